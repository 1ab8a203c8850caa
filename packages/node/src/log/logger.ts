import type { LogFields, Logger } from "@cairn/kit";
import { type DestinationStream, pino } from "pino";
import { plainValue } from "./field.ts";
import { isLogged, type LogLevel, type LogLevels } from "./level.ts";
import { type LogLine, plainLine } from "./plain.ts";

export interface LoggerOptions {
	readonly format: "plain" | "json";
	readonly levels: LogLevels;
	/** Plain format only. */
	readonly color?: boolean;
	/** Nanoseconds since 1970, as `World.clock.wall`. */
	readonly wall: () => bigint;
	/** Takes whole lines; must have written a line when it returns, so that the last ones before a crash are not lost. */
	readonly write: (line: string) => void;
}

/**
 * The node's logger: CometBFT's formats, levels per module. A `child` that names a module takes that module's level.
 */
export function createLogger(options: LoggerOptions): Logger {
	const write = options.format === "json" ? jsonWriter(options) : plainWriter(options);
	return levelledLogger(options.levels, options.levels.fallback, {}, write, options.wall);
}

type WriteLine = (line: LogLine) => void;

/** Writes to a file descriptor at once, also where a pipe is full. */
export function syncDestination(descriptor: number): (line: string) => void {
	const stream = pino.destination({ dest: descriptor, sync: true });
	// Whoever read our lines may be gone (`cairn start | head`): the node goes on without them.
	stream.on("error", () => {});
	return (line) => {
		stream.write(line);
	};
}

function levelledLogger(
	levels: LogLevels,
	allowed: LogLevel,
	bound: LogFields,
	write: WriteLine,
	wall: () => bigint,
): Logger {
	const log = (level: LogLevel) => (message: string, fields?: LogFields) => {
		if (isLogged(level, allowed)) write({ level, time: wall(), message, fields: { ...bound, ...fields } });
	};
	return {
		error: log("error"),
		warn: log("warn"),
		info: log("info"),
		debug: log("debug"),
		child: (fields) => {
			const named =
				typeof fields.module === "string" ? (levels.modules.get(fields.module) ?? levels.fallback) : allowed;
			return levelledLogger(levels, named, { ...bound, ...fields }, write, wall);
		},
	};
}

function plainWriter(options: LoggerOptions): WriteLine {
	return (line) => options.write(plainLine(line, options.color === true));
}

const RESERVED = new Set(["level", "ts", "_msg"]);

/**
 * CometBFT's JSON lines (libs/log/tm_json_logger.go): `_msg`, `level`, `module`, `ts` and the fields, as one object.
 */
function jsonWriter(options: LoggerOptions): WriteLine {
	const stream: DestinationStream = { write: options.write };
	let time = 0n;
	const writer = pino(
		{
			base: null,
			level: "debug",
			messageKey: "_msg",
			timestamp: () => `,"ts":"${utcTime(time)}"`,
			formatters: { level: (label) => ({ level: label }) },
		},
		stream,
	);
	return (line) => {
		const fields = Object.entries(line.fields).map(([name, value]) => [
			RESERVED.has(name) ? `${name}_` : name,
			plainValue(value),
		]);
		time = line.time;
		if (line.level !== "none") writer[line.level](Object.fromEntries(fields), line.message);
	};
}

function utcTime(time: bigint): string {
	const second = new Date(Number(time / 1_000_000n)).toISOString().slice(0, 19);
	const fraction = String(time % 1_000_000_000n)
		.padStart(9, "0")
		.replace(/0+$/, "");
	return fraction === "" ? `${second}Z` : `${second}.${fraction}Z`;
}
