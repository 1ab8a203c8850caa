/** What one field is, for code that works on any message. */
export interface FieldDescriptor {
	/** Name in the .proto file. */
	readonly name: string;
	/** Name in TypeScript. */
	readonly property: string;
	readonly number: number;
	readonly kind:
		| "int32"
		| "uint32"
		| "bool"
		| "int64"
		| "uint64"
		| "sfixed64"
		| "bytes"
		| "string"
		| "enum"
		| "message"
		| "timestamp"
		| "duration"
		| "counted";
	/** Full name of the message or enum; empty for scalars. */
	readonly type: string;
	readonly repeated: boolean;
	/** Always written, never null. */
	readonly embedded: boolean;
	/** TypeScript name of the oneof that this is an arm of, or empty. */
	readonly oneof: string;
}

export interface MessageDescriptor {
	readonly name: string;
	readonly fields: readonly FieldDescriptor[];
}

export interface EnumDescriptor {
	readonly values: readonly (readonly [name: string, value: number])[];
}
