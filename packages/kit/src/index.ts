export * from "./bounded-queue.ts";
export * from "./bytes.ts";
export * from "./errors.ts";
export * from "./flavor.ts";
export * from "./logger.ts";
export * from "./metrics.ts";
export * from "./world.ts";
