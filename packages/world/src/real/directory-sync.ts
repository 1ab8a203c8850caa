import { closeSync, fsync, openSync } from "node:fs";
import { systemCode } from "./os-errors.ts";

/** What file systems answer that cannot sync a directory; there its entries are as durable as they get. */
const CANNOT = new Set(["EINVAL", "ENOTSUP", "EOPNOTSUPP", "EISDIR", "EBADF"]);

/** Makes the entries of a directory (created, renamed and removed names) durable. */
export async function syncDirectory(path: string): Promise<void> {
	const descriptor = openSync(path, "r");
	try {
		await synchronise(descriptor);
	} catch (cause) {
		if (!CANNOT.has(systemCode(cause))) throw cause;
	} finally {
		closeSync(descriptor);
	}
}

/** Waits until the device has what was written to a file. */
export function synchronise(descriptor: number): Promise<void> {
	return new Promise((resolve, reject) => {
		fsync(descriptor, (cause) => (cause ? reject(cause) : resolve()));
	});
}
