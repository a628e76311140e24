/** The KV namespace's service: there are no keys. */
export default {
  fetch() {
    return new Response(null, { status: 404 });
  },
};
