import { DecodeError } from "@cairn/kit";
import { parseFixed } from "./fixed-point.ts";

interface IntegerBounds {
	readonly min: number;
	readonly max: number;
	/** What a missing field means; without it, the field must be there. */
	readonly fallback?: number;
}

/** The fields of a JSON object, read by name and type. Every failure is a DecodeError that says where. */
export class Fields {
	readonly #values: Readonly<Record<string, unknown>>;
	readonly #where: string;
	readonly #used = new Set<string>();

	constructor(value: unknown, where: string) {
		if (typeof value !== "object" || value === null || Array.isArray(value)) {
			throw new DecodeError(`${where}: expected an object`);
		}
		this.#values = value as Record<string, unknown>;
		this.#where = where;
	}

	has(name: string): boolean {
		return Object.hasOwn(this.#values, name);
	}

	text(name: string, fallback?: string): string {
		const value = this.#take(name) ?? fallback;
		if (typeof value !== "string") throw this.#wrong(name, "a text");
		return value;
	}

	flag(name: string, fallback?: boolean): boolean {
		const value = this.#take(name) ?? fallback;
		if (typeof value !== "boolean") throw this.#wrong(name, "true or false");
		return value;
	}

	integer(name: string, { min, max, fallback }: IntegerBounds): number {
		const value = this.#take(name) ?? fallback;
		if (typeof value !== "number" || !Number.isSafeInteger(value) || value < min || value > max) {
			throw this.#wrong(name, `an integer from ${min} to ${max}`);
		}
		return value;
	}

	/** A decimal written as text, in units of 10^-digits. */
	decimal(name: string, digits: number, fallback?: string): bigint {
		return parseFixed(this.text(name, fallback), digits);
	}

	nested(name: string): Fields {
		return new Fields(this.#take(name), `${this.#where}.${name}`);
	}

	list(name: string): Fields[] {
		const value = this.#take(name) ?? [];
		if (!Array.isArray(value)) throw this.#wrong(name, "a list");
		return value.map((item, index) => new Fields(item, `${this.#where}.${name}[${index}]`));
	}

	/** Refuses fields that nobody has asked for: a misspelt name must not be ignored. */
	end(): void {
		for (const name of Object.keys(this.#values)) {
			if (!this.#used.has(name)) throw new DecodeError(`${this.#where}: unknown field ${JSON.stringify(name)}`);
		}
	}

	#take(name: string): unknown {
		this.#used.add(name);
		return this.has(name) ? this.#values[name] : undefined;
	}

	#wrong(name: string, wanted: string): DecodeError {
		return new DecodeError(`${this.#where}.${name}: expected ${wanted}`);
	}
}
