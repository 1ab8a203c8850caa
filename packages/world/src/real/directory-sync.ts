import { open } from "node:fs/promises";
import { systemCode } from "./os-errors.ts";

/** What file systems answer that cannot sync a directory; there its entries are as durable as they get. */
const CANNOT = new Set(["EINVAL", "ENOTSUP", "EOPNOTSUPP", "EISDIR", "EBADF"]);

/** Makes the entries of a directory (created, renamed and removed names) durable. */
export async function syncDirectory(path: string): Promise<void> {
	const handle = await open(path, "r");
	try {
		await handle.sync();
	} catch (cause) {
		if (!CANNOT.has(systemCode(cause))) throw cause;
	} finally {
		await handle.close();
	}
}
