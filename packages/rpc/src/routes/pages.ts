import { CairnError } from "@cairn/kit";

const DEFAULT_PER_PAGE = 30;
const MAX_PER_PAGE = 100;

/** A part of a list: from `start` up to, not including, `end`. */
export interface Page {
	readonly start: number;
	readonly end: number;
}

/** How many to a page: 30 unless told, 100 at most. */
export function perPageOf(wanted: bigint | null): number {
	if (wanted === null || wanted < 1n) return DEFAULT_PER_PAGE;
	return wanted > BigInt(MAX_PER_PAGE) ? MAX_PER_PAGE : Number(wanted);
}

/** @throws CairnError `no-such-page` */
export function pageOf(page: bigint | null, perPageWanted: bigint | null, total: number): Page {
	const perPage = perPageOf(perPageWanted);
	const pages = Math.max(1, Math.ceil(total / perPage));
	if (page !== null && (page <= 0n || page > BigInt(pages))) {
		const text = `page should be within [1, ${pages}] range, given ${page}`;
		throw new CairnError("no-such-page", "peer", text);
	}
	const start = (Number(page ?? 1n) - 1) * perPage;
	return { start, end: Math.min(start + perPage, total) };
}
