/** A Worker that only forwards, through a namespace: what it costs more than `forward.js` is the loader's. */
export default {
  fetch(request, env) {
    return env.NAMESPACE.get(env.APP ?? request.url.slice(request.url.lastIndexOf("/") + 1)).fetch(request);
  },
};
