/** The server side of the app: what is no file of the page arrives here. */

/** The platform sets both; they are missing under `npm run dev`. */
export interface Env {
  OVERSKILL_APP_NAME?: string;
  OVERSKILL_ENVIRONMENT?: "preview" | "staging" | "production";
}

export default {
  fetch(request: Request, env: Env): Response {
    const { pathname } = new URL(request.url);
    if (pathname === "/api/hello") {
      const name = env.OVERSKILL_APP_NAME ?? "your app";
      return Response.json({ message: `Hello from ${name}, ${env.OVERSKILL_ENVIRONMENT ?? "development"}.` });
    }
    return new Response("Not found", { status: 404 });
  },
} satisfies ExportedHandler<Env>;
