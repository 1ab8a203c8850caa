export * from "./file-signer.ts";
export * from "./guard.ts";
export * from "./signer.ts";
export * from "./statement.ts";
export * from "./validator-files.ts";
