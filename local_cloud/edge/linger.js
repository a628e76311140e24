// Keeps a process of the edge alive for a second after it is told to end: workerd ends with the last request that it is
// answering, and does not wait for what `batches.js` has to send. The answer begins at once.

const LINGER_MS = 1000;

export default {
  fetch(_request, _env, ctx) {
    const { readable, writable } = new IdentityTransformStream();
    ctx.waitUntil(scheduler.wait(LINGER_MS).then(() => writable.close()));
    return new Response(readable);
  },
};
