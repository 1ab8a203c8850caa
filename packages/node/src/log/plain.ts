import type { LogFields } from "@cairn/kit";
import { plainValue } from "./field.ts";
import type { LogLevel } from "./level.ts";

const MESSAGE_WIDTH = 44;
const RESET = "\u001b[0m";

/** Colours of CometBFT's terminal lines (libs/log/tm_logger.go): dark grey, brown, red. */
const COLORS: Partial<Record<LogLevel, string>> = { debug: "\u001b[90m", warn: "\u001b[33m", error: "\u001b[31m" };

/** One line to be written. */
export interface LogLine {
	readonly level: LogLevel;
	/** Nanoseconds since 1970. */
	readonly time: bigint;
	readonly message: string;
	readonly fields: LogFields;
}

/**
 * CometBFT's line for people (libs/log/tmfmt_logger.go): `I[2026-11-22|17:32:40.123] finalized block   module=state
 * height=5`, in local time, the message padded to 44 letters, values quoted where a reader could not tell them apart.
 */
export function plainLine(line: LogLine, color: boolean): string {
	const { module } = line.fields;
	const letter = line.level.charAt(0).toUpperCase();
	let text = `${letter}[${localTime(line.time)}] ${oneLine(line.message).padEnd(MESSAGE_WIDTH)} `;
	const hasModule = typeof module === "string";
	if (hasModule) text += `module=${module} `;
	const pairs: string[] = [];
	for (const [name, value] of Object.entries(line.fields)) {
		if (value !== undefined && !(hasModule && name === "module"))
			pairs.push(`${fieldName(name)}=${fieldText(plainValue(value))}`);
	}
	text += pairs.join(" ");
	const paint = color ? COLORS[line.level] : undefined;
	return paint === undefined ? `${text}\n` : `${paint}${text}${RESET}\n`;
}

function localTime(time: bigint): string {
	const date = new Date(Number(time / 1_000_000n));
	const two = (value: number) => String(value).padStart(2, "0");
	const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
	const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
	return `${day}|${clock}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

function oneLine(message: string): string {
	return message.replaceAll("\n", "\\n");
}

function fieldName(name: string): string {
	return name.replace(/[\s="]/g, "");
}

/** Letters that logfmt writes only inside quotes: spaces, `=`, `"` and control characters. */
const NEEDS_QUOTES = /[\s="\p{Cc}]/u;

function fieldText(value: unknown): string {
	if (value === null || value === undefined) return "null";
	const text = typeof value === "string" ? value : JSON.stringify(value);
	return NEEDS_QUOTES.test(text) ? JSON.stringify(text) : text;
}
