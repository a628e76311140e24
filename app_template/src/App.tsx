import { Answer } from "./Answer";

export const HEADLINE = "Your app is live";

export function App() {
  return (
    <main>
      <h1>{HEADLINE}</h1>
      <p className="lead">
        This is its first page. Make it yours: every push to the repository appears here by itself.
      </p>
      <ol>
        <li>
          <h2>Change this page</h2>
          <p>
            It is <code>src/App.tsx</code>. Push to <code>main</code>, and this address serves it within a minute.
          </p>
        </li>
        <li>
          <h2>Try things first</h2>
          <p>
            A pull request has an address of its own, told in a comment. The branch <code>staging</code> has one that
            stays.
          </p>
        </li>
        <li>
          <h2>Answer requests</h2>
          <p>
            <code>src/worker.ts</code> runs on the server. <Answer />
          </p>
        </li>
      </ol>
    </main>
  );
}
