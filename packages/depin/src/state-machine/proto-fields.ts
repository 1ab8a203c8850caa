import { concatBytes, DecodeError } from "@cairn/kit";

/** Writes a small protobuf message: the caller gives fields in order. */
export class ProtoMessage {
	readonly #parts: Uint8Array[] = [];

	/** An integer below 2^53, as varint. */
	integer(field: number, value: number): this {
		this.#parts.push(varint(field << 3), varint(value));
		return this;
	}

	bytes(field: number, value: Uint8Array): this {
		this.#parts.push(varint((field << 3) | 2), varint(value.length), value);
		return this;
	}

	finish(): Uint8Array {
		return concatBytes(...this.#parts);
	}
}

function varint(value: number): Uint8Array {
	const bytes: number[] = [];
	let rest = value;
	for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
	bytes.push(rest);
	return Uint8Array.from(bytes);
}

/** Reads the fields of a small protobuf message, each asked for once; what nobody asks for is refused. */
export class ProtoFields {
	readonly #fields: { readonly number: number; readonly value: number | Uint8Array }[] = [];
	readonly #asked = new Set<number>();

	/** @throws DecodeError */
	constructor(data: Uint8Array) {
		let at = 0;
		const next = (): number => {
			let value = 0;
			for (let factor = 1; factor <= 2 ** 42; factor *= 128) {
				const byte = data[at++];
				if (byte === undefined) throw new DecodeError("protobuf: ends inside a number");
				value += (byte & 127) * factor;
				if (byte < 128) return value;
			}
			throw new DecodeError("protobuf: a number is too long");
		};
		while (at < data.length) {
			const tag = next();
			const number = Math.floor(tag / 8);
			if (tag % 8 === 0) {
				this.#fields.push({ number, value: next() });
				continue;
			}
			if (tag % 8 !== 2) throw new DecodeError(`protobuf: unexpected wire type of field ${number}`);
			const length = next();
			if (length > data.length - at) throw new DecodeError("protobuf: ends inside a field");
			this.#fields.push({ number, value: data.subarray(at, at + length) });
			at += length;
		}
	}

	optionalBytes(number: number): Uint8Array | undefined {
		return this.repeatedBytes(number, 1)[0];
	}

	bytes(number: number): Uint8Array {
		const value = this.optionalBytes(number);
		if (value === undefined) throw new DecodeError(`protobuf: field ${number} is missing`);
		return value;
	}

	repeatedBytes(number: number, max: number): Uint8Array[] {
		const found = this.#take(number, max);
		return found.map((value) => {
			if (typeof value === "number") throw new DecodeError(`protobuf: field ${number} is not bytes`);
			return value;
		});
	}

	/** Zero where it is missing, as protobuf has it. */
	integer(number: number): number {
		const value = this.#take(number, 1)[0] ?? 0;
		if (typeof value !== "number") throw new DecodeError(`protobuf: field ${number} is not a number`);
		return value;
	}

	/** @throws DecodeError if there are fields that nobody has asked for */
	end(): void {
		for (const { number } of this.#fields) {
			if (!this.#asked.has(number)) throw new DecodeError(`protobuf: unknown field ${number}`);
		}
	}

	#take(number: number, max: number): (number | Uint8Array)[] {
		this.#asked.add(number);
		const found = this.#fields.filter((field) => field.number === number);
		if (found.length > max) throw new DecodeError(`protobuf: field ${number} comes ${found.length} times`);
		return found.map(({ value }) => value);
	}
}
