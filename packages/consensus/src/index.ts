export * from "./core/engine.ts";
export * from "./tendermint/protocol.ts";
