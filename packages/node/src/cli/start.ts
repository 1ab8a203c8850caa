import { createHash } from "node:crypto";
import { CairnError, type Logger, messageOf, toUpperHex } from "@cairn/kit";
import { type Command, Option } from "commander";
import { ConfigError, problemText } from "../config/problem.ts";
import { flagName, shownValue } from "../config/resolve.ts";
import { type Config, DEFAULTS, KNOWN_KEYS } from "../config/schema.ts";
import type { RunningNode } from "../running-node.ts";
import { type CliContext, EXIT } from "./context.ts";
import { reportFailure } from "./failure.ts";
import { type GlobalOptions, isTracing, loggerFor, readConfig } from "./session.ts";

/** `cairn start`: runs the node of a home folder until it is told to stop. */
export function addStart(program: Command, context: CliContext): void {
	const command = program
		.command("start")
		.aliases(["node", "run"])
		.description("run the node")
		.option("--genesis_hash <hex>", "refuse to start unless the genesis file has this SHA-256 hash");
	for (const option of keyOptions()) command.addOption(option);
	command
		.addHelpText("after", "\nEvery other key of config.toml is a flag too: --mempool.size 1000.")
		.action(async (_: unknown, self: Command) => start(context, self));
}

/** A flag for every key; the help shows those that CometBFT's `start` has. `log_level` is a flag of all commands. */
function keyOptions(): readonly Option[] {
	return KNOWN_KEYS.filter((known) => known.dotted !== "log_level" && !known.key.fileOnly).map((known) => {
		const { kind, flag, comment } = known.key;
		const value = kind.isBoolean ? `[${kind.name}]` : `<${kind.name}>`;
		const standard = known.key.fallback === "" ? "" : ` (default: ${shownValue(known, DEFAULTS)})`;
		const help = flag === undefined ? comment : `${flag.help}${standard}`;
		const option = new Option(`--${flagName(known)} ${value}`, help);
		return flag === undefined ? option.hideHelp() : option;
	});
}

/** The keys that were given on the command line, as texts. */
function givenFlags(command: Command): ReadonlyMap<string, string> {
	const given = new Map<string, string>();
	const byLong = new Map(command.options.map((option) => [option.long, option]));
	for (const known of KNOWN_KEYS) {
		const option = byLong.get(`--${flagName(known)}`);
		if (option === undefined) continue;
		const value: unknown = command.getOptionValue(option.attributeName());
		if (typeof value === "string") given.set(known.dotted, value);
	}
	return given;
}

async function start(context: CliContext, command: Command): Promise<void> {
	const options = command.optsWithGlobals<GlobalOptions & { genesis_hash?: string; trace?: boolean }>();
	const { checkForStart } = await import("../config/start-check.ts");
	const resolved = await readConfig(context, options, givenFlags(command));
	const { config } = resolved;
	const logger = loggerFor(context, config);
	const checked = checkForStart(config, resolved.origins);
	for (const warning of [...resolved.warnings, ...checked.warnings]) logger.warn(problemText(warning));
	if (checked.errors.length > 0) throw new ConfigError(checked.errors);
	await checkGenesis(context, config, options.genesis_hash);
	const reload = async (): Promise<Config> => (await readConfig(context, options, givenFlags(command))).config;
	await runNode(context, config, logger, isTracing(context, options.trace), reload);
}

/** The genesis file must be there and, if a hash is given, be the one with that hash (commands/run_node.go). */
async function checkGenesis(context: CliContext, config: Config, hash: string | undefined): Promise<void> {
	const path = config.paths.genesisFile;
	const bytes = await context.world.disk.read(path);
	if (bytes === undefined) {
		throw new CairnError(
			"no-genesis",
			"operator",
			`there is no genesis file ${path}; ` +
				`copy the chain's, or make a new chain with cairn init --home ${config.paths.home}`,
			{ path },
		);
	}
	if (hash === undefined || hash === "") return;
	if (!/^([0-9a-fA-F]{2})+$/.test(hash)) {
		throw new CairnError("usage", "operator", `--genesis_hash "${hash}" is not hex; write what sha256sum prints`);
	}
	const actual = toUpperHex(createHash("sha256").update(bytes).digest());
	if (actual === hash.toUpperCase()) return;
	throw new CairnError(
		"genesis-hash",
		"operator",
		`--genesis_hash=${hash.toUpperCase()} does not match ${path}, which has ${actual}; ` +
			"get the genesis file of the right chain",
		{ path, actual },
	);
}

/**
 * Starts the node and waits for its end. The first signal stops it in order, the second one at once. A node that
 * another process supervises (`cairn up`) stops in order when that process is gone.
 */
async function runNode(
	context: CliContext,
	config: Config,
	logger: Logger,
	trace: boolean,
	reload: () => Promise<Config>,
): Promise<void> {
	const stopper = new Stopper(context, config, logger);
	const release = context.onSignal((signal) => stopper.signal(signal));
	const releaseParent = context.followParent(() => stopper.orphaned());
	try {
		const startNode = await context.loadStartNode();
		const { world } = context;
		const node = await startNode({ home: config.paths.home, config, logger, world });
		logger.info("Started node", { ...node.addresses });
		stopper.started(node);
		const deaf = context.onReload(() => void tune(node, logger, reload));
		const { reason, error } = await node.stopped;
		deaf();
		if (error !== undefined) {
			const { text } = reportFailure(error, trace);
			logger.error("node stopped by an error", { reason, err: messageOf(error) });
			context.printError(text);
			throw new StoppedByError(error);
		}
		logger.info("stopped node", { reason });
	} finally {
		release();
		releaseParent();
		stopper.done();
	}
}

/** Reads the configuration again: what may change while the node runs takes effect, mistakes change nothing. */
async function tune(node: RunningNode, logger: Logger, reload: () => Promise<Config>): Promise<void> {
	try {
		node.tune(await reload());
		logger.info("configuration read again: consensus timeouts are in force, other keys after a restart");
	} catch (error) {
		logger.error("configuration could not be read again; nothing has changed", { err: messageOf(error) });
	}
}

/** The node's own error, which has been printed already. */
export class StoppedByError extends CairnError {
	constructor(error: unknown) {
		super("node-stopped", "operator", messageOf(error), {}, error);
	}
}

/** Turns signals into one orderly stop, bounded in time. */
class Stopper {
	readonly #context: CliContext;
	readonly #timeoutMs: number;
	readonly #logger: Logger;
	#node: RunningNode | undefined;
	#asked = false;
	#cancelTimer = (): void => {};

	constructor(context: CliContext, config: Config, logger: Logger) {
		this.#context = context;
		this.#timeoutMs = config.cairn.stopTimeout;
		this.#logger = logger;
	}

	signal(signal: string): void {
		if (this.#asked) {
			this.#logger.error("second signal: ending at once", { signal });
			this.#context.exit(EXIT.forced);
			return;
		}
		this.#logger.info("stopping: send the signal again to end at once", { signal });
		this.#begin();
	}

	/** Nobody supervises this process any more: it must not run on unseen. */
	orphaned(): void {
		if (this.#asked) return;
		this.#logger.error("stopping: the process that supervised this one is gone");
		this.#begin();
	}

	#begin(): void {
		this.#asked = true;
		const timer = this.#context.world.timers.after(this.#timeoutMs, () => {
			this.#logger.error("the stop took longer than cairn.stop_timeout: ending at once", { ms: this.#timeoutMs });
			this.#context.exit(EXIT.forced);
		});
		this.#cancelTimer = () => timer.cancel();
		this.#stop();
	}

	/** A signal may have come while the node was starting. */
	started(node: RunningNode): void {
		this.#node = node;
		if (this.#asked) this.#stop();
	}

	done(): void {
		this.#cancelTimer();
	}

	#stop(): void {
		this.#node?.stop().catch((error: unknown) => {
			this.#logger.error("the node could not stop in order", { err: messageOf(error) });
		});
	}
}
