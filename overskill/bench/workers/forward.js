/** A Worker that only forwards, through a service binding: the one app's, or that of the app that the path names. */
export default {
  fetch(request, env) {
    return (env.APP ?? env[request.url.slice(request.url.lastIndexOf("/") + 1)]).fetch(request);
  },
};
