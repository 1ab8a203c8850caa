import { Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

/** Turns one message type into protobuf wire format and back, byte for byte as gogoproto does. */
export interface Codec<T> {
	/** Full protobuf name, as `tendermint.types.Vote`. */
	readonly typeName: string;
	/** @throws InvariantError when a value does not fit its field */
	encode(message: T): Uint8Array;
	/**
	 * Reads a whole message. `Uint8Array`s in the result are views of `bytes`, not copies: copy what must outlive the
	 * buffer.
	 * @throws DecodeError
	 */
	decode(bytes: Uint8Array): T;
	/** Writes the message without tag and length, back to front. */
	write(writer: Writer, message: T): void;
	/**
	 * Reads the message that ends at offset `end`, on top of `base` (a field that occurs twice is merged).
	 * @throws DecodeError
	 */
	read(reader: Reader, end: number, base: T | null): T;
	/** A message with the given fields, every other at its default. */
	create(partial?: Partial<T>): T;
}

// One writer serves all: encoding is synchronous, and `mark` keeps nested use apart.
const shared = new Writer();

/** Makes a codec of the generated functions of one message type. */
export function makeCodec<T>(
	typeName: string,
	write: (writer: Writer, message: T) => void,
	read: (reader: Reader, end: number, base: T | null) => T,
	create: (partial: Partial<T>) => T,
): Codec<T> {
	return {
		typeName,
		encode(message) {
			const mark = shared.size;
			try {
				write(shared, message);
			} catch (cause) {
				shared.rewind(mark);
				throw cause;
			}
			return shared.take(mark);
		},
		decode(bytes) {
			return read(new Reader(bytes), bytes.length, null);
		},
		write,
		read,
		create: (partial = {}) => create(partial),
	};
}
