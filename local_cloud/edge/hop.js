// From one workerd process of the edge to the other: a request over HTTP, with what is told of it in a header. What is
// thrown on the other side is thrown again on this one. Keep this file ASCII: see `namespace.js`.

const TOLD = "local-cloud-told";
const TOKEN = "local-cloud-token";
const FAILED = "local-cloud-failed";
const MOST_TOLD = 2_000;

/**
 * @param {Fetcher} service  the other process; it adds the token
 * @param {Request} request
 * @param {object} told  whatever JSON can hold
 * @returns {Promise<Response>}
 */
export async function cross(service, request, told) {
  const headers = new Headers(request.headers);
  headers.set(TOLD, encodeURIComponent(JSON.stringify(told)));
  const response = await service.fetch(new Request(request, { headers }));
  const failed = response.headers.get(FAILED);
  if (!failed) return response;
  throw revived(JSON.parse(decodeURIComponent(failed)));
}

/**
 * The other end of `cross`. The request is handed on without `cf`: one made from another Request would keep it.
 *
 * @param {Request} request
 * @param {string} token
 * @param {(request: Request, told: any) => Promise<Response>} handle
 */
export async function receive(request, token, handle) {
  const headers = new Headers(request.headers);
  if (headers.get(TOKEN) !== token) return new Response("only the edge of this local cloud asks here", { status: 401 });
  const told = JSON.parse(decodeURIComponent(headers.get(TOLD)));
  headers.delete(TOKEN);
  headers.delete(TOLD);
  const { url, method, body, redirect } = request;
  try {
    const response = await handle(new Request(url, { method, headers, body, redirect }), told);
    return response.headers.has(FAILED) ? withoutClaim(response) : response;
  } catch (error) {
    // In a header, which can't be long: the answer to a HEAD has no body.
    const { name, message, stack, remote = false } = error;
    const short = (text) => String(text ?? "").slice(0, MOST_TOLD);
    const told = JSON.stringify({ name: short(name), message: short(message), stack: short(stack), remote });
    return new Response(null, { status: 500, headers: { [FAILED]: encodeURIComponent(told) } });
  }
}

function revived({ name, message, stack, remote }) {
  const error = new ({ EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError }[name] ?? Error)(message);
  return Object.assign(error, { name, stack, ...(remote ? { remote } : {}) });
}

/** An app's answer that claims to be a failure of the edge. */
function withoutClaim(response) {
  const honest = new Response(response.body, response);
  honest.headers.delete(FAILED);
  return honest;
}
