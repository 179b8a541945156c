// What we use of htmx; its own declarations do not name the module file that we import.
declare module "htmx.org/dist/htmx.esm.js" {
  const htmx: {
    config: {
      includeIndicatorStyles: boolean;
      allowEval: boolean;
      allowScriptTags: boolean;
      selfRequestsOnly: boolean;
      historyCacheSize: number;
    };
    onLoad(callback: (added: Node) => void): void;
  };
  export default htmx;
}
declare module "*.css";
