export * from "./harness/network.ts";
export * from "./harness/ports.ts";
export * from "./harness/programs.ts";
export * from "./harness/rpc.ts";
