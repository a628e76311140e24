/** The app: the same file, however it is reached. It answers its own name, so that each answer can be checked. */
export default {
  fetch(_request, env) {
    return new Response(env.NAME);
  },
};
