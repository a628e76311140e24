// The leanest binding to a dispatch namespace that there can be: workerd's loader, in the isolate of whoever asks.

export default function namespace({ LOADER, CODE }) {
  return {
    get(name) {
      const program = () => ({
        compatibilityDate: "2026-10-01",
        mainModule: "app.js",
        modules: { "app.js": CODE },
        env: { NAME: name },
        globalOutbound: null,
      });
      return LOADER.get(name, program).getEntrypoint();
    },
  };
}
