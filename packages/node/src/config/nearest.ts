/** Edits (insert, delete, replace, swap of neighbours) between two texts. */
export function editDistance(a: string, b: string): number {
	let before: number[] = [];
	let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
	for (let i = 1; i <= a.length; i++) {
		const row = [i];
		for (let j = 1; j <= b.length; j++) {
			const same = a[i - 1] === b[j - 1];
			let best = Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + (same ? 0 : 1));
			const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
			if (swapped) best = Math.min(best, (before[j - 2] ?? 0) + 1);
			row.push(best);
		}
		before = previous;
		previous = row;
	}
	return previous[b.length] ?? 0;
}

/**
 * The candidate that a person most likely meant, or undefined when none is close (a third of the letters may be
 * wrong).
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
	const best = nearestOfAll(word, candidates);
	const allowed = Math.max(1, Math.floor(word.length / 3));
	return best !== "" && editDistance(word.toLowerCase(), best.toLowerCase()) <= allowed ? best : undefined;
}

/** The closest candidate, however far it is; empty without candidates. */
export function nearestOfAll(word: string, candidates: Iterable<string>): string {
	let best = "";
	let bestDistance = Number.POSITIVE_INFINITY;
	for (const candidate of candidates) {
		const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
		if (distance >= bestDistance) continue;
		best = candidate;
		bestDistance = distance;
	}
	return best;
}
