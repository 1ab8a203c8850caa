import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import protobuf from "protobufjs";

export type ScalarKind = "int32" | "uint32" | "bool" | "int64" | "uint64" | "sfixed64" | "bytes" | "string";
export type FieldKind = ScalarKind | "enum" | "message" | "timestamp" | "duration" | "counted";

const SCALARS: ReadonlySet<string> = new Set([
	"int32",
	"uint32",
	"bool",
	"int64",
	"uint64",
	"sfixed64",
	"bytes",
	"string",
]);

/** Names that generated functions use for themselves. */
const LOCALS: ReadonlySet<string> = new Set(["r", "w", "m", "p", "end", "prior", "tag", "stop", "mark"]);

/** One field, or one arm of a oneof. */
export interface Field {
	readonly name: string;
	/** The name in TypeScript. */
	readonly property: string;
	readonly number: number;
	readonly kind: FieldKind;
	/** Full name of the message or enum; empty for scalars. */
	readonly type: string;
	readonly repeated: boolean;
	/** Held by value: always written, never null. */
	readonly embedded: boolean;
}

export interface Oneof {
	readonly property: string;
	readonly arms: readonly Field[];
}

/** What stands in a message at one place: a field or a oneof, ordered by (lowest) field number. */
export type Member = { readonly field: Field } | { readonly oneof: Oneof };

export interface Message {
	readonly fullName: string;
	/** Name in TypeScript, unique within its package. */
	readonly name: string;
	readonly members: readonly Member[];
	readonly fields: readonly Field[];
}

export interface Enum {
	readonly fullName: string;
	readonly name: string;
	readonly values: readonly (readonly [string, number])[];
}

export interface Package {
	readonly name: string;
	/** Basename of the generated file: `types`, `libs-bits`. */
	readonly file: string;
	readonly messages: readonly Message[];
	readonly enums: readonly Enum[];
}

function camelCase(name: string): string {
	return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function protoFiles(folder: string): string[] {
	const found: string[] = [];
	for (const entry of readdirSync(folder, { withFileTypes: true })) {
		const path = join(folder, entry.name);
		if (entry.isDirectory()) found.push(...protoFiles(path));
		else if (entry.name.endsWith(".proto")) found.push(path);
	}
	return found.sort();
}

function fullName(object: protobuf.ReflectionObject): string {
	return object.fullName.replace(/^\./, "");
}

function fieldOf(field: protobuf.Field): Field {
	const options: Readonly<Record<string, unknown>> = field.options ?? {};
	const embedded = options["(cairn.embedded)"] === true;
	const base = {
		name: field.name,
		property: camelCase(field.name),
		number: field.id,
		repeated: field.repeated,
		embedded,
	};
	if (LOCALS.has(base.property)) throw new Error(`${fullName(field)}: generated code uses that name itself`);
	if (field.id > 31) throw new Error(`${fullName(field)}: field numbers above 31 are not supported`);
	if (options["(cairn.counted)"] === true) return { ...base, kind: "counted", type: "", repeated: false };
	if (SCALARS.has(field.type)) return { ...base, kind: field.type as ScalarKind, type: "" };
	const resolved = field.resolve().resolvedType;
	if (resolved === null) throw new Error(`${fullName(field)}: unknown type ${field.type}`);
	const type = fullName(resolved);
	if (resolved instanceof protobuf.Enum) return { ...base, kind: "enum", type };
	if (type === "google.protobuf.Timestamp" || type === "google.protobuf.Duration") {
		if (!embedded || field.repeated) throw new Error(`${fullName(field)}: times are held by value only`);
		return { ...base, kind: type === "google.protobuf.Timestamp" ? "timestamp" : "duration", type };
	}
	return { ...base, kind: "message", type };
}

/** `ResponseOfferSnapshot.Result` becomes `ResponseOfferSnapshotResult`. */
function shortName(object: protobuf.ReflectionObject, packageName: string): string {
	return fullName(object)
		.slice(packageName.length + 1)
		.replaceAll(".", "");
}

function messageOf(type: protobuf.Type, packageName: string): Message {
	const members: (readonly [number, Member])[] = [];
	const fields: Field[] = [];
	for (const field of type.fieldsArray) {
		const ours = fieldOf(field);
		fields.push(ours);
		if (field.partOf === null) members.push([field.id, { field: ours }]);
	}
	for (const oneof of type.oneofsArray) {
		const arms = oneof.fieldsArray.map(fieldOf).sort((a, b) => a.number - b.number);
		members.push([arms[0]?.number ?? 0, { oneof: { property: camelCase(oneof.name), arms } }]);
	}
	return {
		fullName: fullName(type),
		name: shortName(type, packageName),
		members: members.sort((a, b) => a[0] - b[0]).map(([, member]) => member),
		fields: fields.sort((a, b) => a.number - b.number),
	};
}

function collect(
	namespace: protobuf.NamespaceBase,
	into: Map<string, { messages: Message[]; enums: Enum[] }>,
	packageName: string,
): void {
	for (const object of namespace.nestedArray) {
		const isType = object instanceof protobuf.Type;
		if (isType || object instanceof protobuf.Enum) {
			const bucket = into.get(packageName) ?? { messages: [], enums: [] };
			into.set(packageName, bucket);
			if (isType) bucket.messages.push(messageOf(object, packageName));
			else {
				const values = Object.entries(object.values).map(([name, value]) => [name, value] as const);
				bucket.enums.push({ fullName: fullName(object), name: shortName(object, packageName), values });
			}
		}
		if (object instanceof protobuf.Namespace) collect(object, into, isType ? packageName : fullName(object));
	}
}

/** Reads every .proto file below `folder` into one model, packages and their contents in order of declaration. */
export function readSchema(folder: string): Package[] {
	const root = new protobuf.Root();
	for (const path of protoFiles(folder)) {
		if (relative(folder, path).startsWith("cairn")) continue;
		protobuf.parse(readFileSync(path, "utf8"), root, { keepCase: true });
	}
	root.resolveAll();
	const packages = new Map<string, { messages: Message[]; enums: Enum[] }>();
	collect(root, packages, "");
	return [...packages]
		.map(([name, contents]) => ({ name, file: fileOf(name), ...contents }))
		.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function fileOf(packageName: string): string {
	if (packageName === "google.protobuf") return "google";
	return packageName.replace(/^tendermint\./, "").replaceAll(".", "-");
}
