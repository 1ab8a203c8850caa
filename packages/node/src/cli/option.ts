import { InvalidArgumentError, Option } from "commander";
import { boolean, type Kind } from "../config/kinds.ts";

/** A flag that is true or false: `--x`, `--x=false`. */
export function booleanOption(name: string, help: string): Option {
	return new Option(`--${name} [true|false]`, help).argParser((text) => readOrRefuse(boolean(), text));
}

/** A whole number from `min` on. */
export function numberOption(name: string, help: string, kind: Kind<number>): Option {
	return new Option(`--${name} <number>`, help).argParser((text) => readOrRefuse(kind, text));
}

function readOrRefuse<T>(kind: Kind<T>, text: string): T {
	const reading = kind.read(text);
	if ("wrong" in reading) throw new InvalidArgumentError(`${reading.wrong}; ${reading.fix}`);
	return reading.value;
}
