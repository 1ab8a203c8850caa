/** Set by `cairn up` for its nodes: one whose parent died while it was loading has no channel to notice it by. */
export const SUPERVISED_VARIABLE = "CAIRN_SUPERVISED";

/** Question that a parent may send over the channel. */
export const USAGE_QUESTION = "usage";

/** Answer to `USAGE_QUESTION`. */
export interface ProcessUsage {
	/** Processor time since the start of the process. */
	readonly cpuSeconds: number;
	/** Memory in use. */
	readonly rssBytes: number;
}

/**
 * Listens to the process that started this one over Node's channel, where there is one: calls `onGone` when that
 * process ends or lets go, and answers what it asks. Returns how to stop listening.
 */
export function followParent(onGone: () => void): () => void {
	if (process.channel === undefined) {
		if (process.env[SUPERVISED_VARIABLE] === "1") onGone();
		return () => {};
	}
	const answer = (question: unknown): void => {
		if (question !== USAGE_QUESTION) return;
		const { user, system } = process.cpuUsage();
		const usage: ProcessUsage = { cpuSeconds: (user + system) / 1e6, rssBytes: process.memoryUsage.rss() };
		// A parent that is just going away needs no answer.
		process.send?.(usage, undefined, undefined, () => {});
	};
	process.once("disconnect", onGone);
	process.on("message", answer);
	return () => {
		process.off("disconnect", onGone);
		process.off("message", answer);
	};
}
