export { type LogLevel, type LogLevels, parseLogLevels } from "./level.ts";
export { createLogger, type LoggerOptions, syncDestination } from "./logger.ts";
