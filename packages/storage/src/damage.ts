import { CairnError, messageOf } from "@cairn/kit";

/** What our own database holds cannot be read: it was damaged, or written by a version that we do not know. */
export function storeDamage(what: string, cause: unknown): CairnError {
	const message =
		`the stored ${what} cannot be read (${messageOf(cause)}): the database is damaged or was written by another ` +
		"version; restore the data folder from a backup or sync anew (keep priv_validator_state.json)";
	return new CairnError("store-corrupt", "operator", message, { what }, cause);
}

/** Decodes a stored value. @throws CairnError `store-corrupt` naming what it was */
export function decodeStored<T>(what: string, decode: () => T): T {
	try {
		return decode();
	} catch (cause) {
		throw storeDamage(what, cause);
	}
}
