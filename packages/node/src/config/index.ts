export { formatDuration, type Milliseconds, msToNs } from "./duration.ts";
export type { Environment } from "./environment.ts";
export { chooseHome, type Home } from "./home.ts";
export { type LoadOptions, loadConfig, readConfigFile, readText } from "./load.ts";
export { configFileOf } from "./paths.ts";
export { splitList } from "./peers.ts";
export { ConfigError, type ConfigProblem, problemText } from "./problem.ts";
export {
	type ConfigSources,
	defaultConfig,
	flagName,
	type ResolvedConfig,
	resolveConfig,
	shownValue,
} from "./resolve.ts";
export { type Config, type ConfigPaths, type FlatValues, KNOWN_KEYS, type KnownKey } from "./schema.ts";
export { COMETBFT_VERSION } from "./sections/base.ts";
export { checkForStart, type StartCheck } from "./start-check.ts";
export { renderConfig } from "./template.ts";
