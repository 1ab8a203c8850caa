export * from "./core/engine.ts";
export { type PlainData, writePlainData } from "./core/plain-data.ts";
export * from "./parts/height-vote-set.ts";
export * from "./parts/vote-set.ts";
export { TendermintEngine, type TendermintOptions } from "./tendermint/engine.ts";
export * from "./tendermint/protocol.ts";
export { stepName } from "./tendermint/state.ts";
export { parseTimerId, type TimerKey, type TimerName, timerId, timerIdOfStep } from "./tendermint/timers.ts";
