/** One call of a node's RPC by URI; rejects with the node's own error text. Bounded in time. */
export async function call<T>(port: number, path: string, timeoutMs = 5_000): Promise<T> {
	const response = await fetch(`http://127.0.0.1:${port}/${path}`, { signal: AbortSignal.timeout(timeoutMs) });
	const answer = (await response.json()) as { result?: T; error?: { message: string; data?: string } };
	if (answer.result === undefined)
		throw new Error(`${path}: ${answer.error?.data ?? answer.error?.message ?? "no result"}`);
	return answer.result;
}

export interface Status {
	readonly sync_info: { readonly latest_block_height: string; readonly catching_up: boolean };
	readonly node_info: { readonly id: string; readonly moniker: string };
}

export interface CommitSig {
	/** 1 absent, 2 for the block, 3 for nil. */
	readonly block_id_flag: number;
	readonly validator_address: string;
}

export interface BlockAnswer {
	readonly block_id: { readonly hash: string };
	readonly block: {
		readonly header: {
			readonly app_hash: string;
			readonly height: string;
			readonly time: string;
			readonly proposer_address: string;
		};
		readonly data: { readonly txs: readonly string[] };
		readonly evidence: { readonly evidence: readonly unknown[] };
		readonly last_commit: { readonly round: number; readonly signatures: readonly CommitSig[] };
	};
}

/** Polls until `check` gives something else than undefined. Between looks it waits; the whole is bounded. */
export async function until<T>(
	what: string,
	timeoutMs: number,
	check: () => Promise<T | undefined>,
	everyMs = 50,
): Promise<T> {
	const end = performance.now() + timeoutMs;
	let last: unknown;
	while (performance.now() < end) {
		try {
			const found = await check();
			if (found !== undefined) return found;
		} catch (cause) {
			last = cause;
		}
		await new Promise((resolve) => setTimeout(resolve, everyMs));
	}
	throw new Error(`not within ${timeoutMs} ms: ${what}${last === undefined ? "" : ` (${String(last)})`}`);
}
