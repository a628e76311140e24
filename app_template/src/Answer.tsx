import { useEffect, useState } from "react";

/** What the Worker says at `api/hello`; the address is relative, so that it holds below a path too. */
export function Answer() {
  const [answer, setAnswer] = useState("It is being asked …");
  useEffect(() => {
    const ended = new AbortController();
    fetch("./api/hello", { signal: ended.signal })
      .then((response) => response.json())
      .then(({ message }: { message: string }) => setAnswer(message))
      .catch(() => ended.signal.aborted || setAnswer("It does not answer."));
    return () => ended.abort();
  }, []);
  return <output>{answer}</output>;
}
