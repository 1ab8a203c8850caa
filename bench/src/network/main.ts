// Cairn against CometBFT, one after the other in one run: `npm run bench -- [transactions|blocks|sync|all] [options]`.
// Only the ratios of one run mean something; see bench/README.md.
import { parseArgs } from "node:util";
import { measureEmptyBlocks } from "./blocks.ts";
import { measureSync } from "./sync.ts";
import { measureTransactions } from "./transactions.ts";

const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		rate: { type: "string", default: "1000" },
		seconds: { type: "string", default: "20" },
		warmup: { type: "string", default: "5" },
		only: { type: "string", default: "" },
		best: { type: "boolean", default: false },
		validators: { type: "string", default: "4" },
		blocks: { type: "string", default: "1000" },
		profile: { type: "string", default: "" },
	},
});

const transactions = (best: boolean): Promise<void> =>
	measureTransactions({
		only: values.only,
		validators: Number(values.validators),
		perSecond: Number(values.rate),
		seconds: Number(values.seconds),
		warmupSeconds: Number(values.warmup),
		best,
		profile: values.profile,
	});
const blocks = (): Promise<void> => measureEmptyBlocks({ only: values.only, seconds: Number(values.seconds) });
const sync = (): Promise<void> => measureSync({ only: values.only, blocks: Number(values.blocks) });

const WORK: Readonly<Record<string, () => Promise<void>>> = {
	transactions: () => transactions(values.best),
	blocks,
	sync,
	all: async () => {
		await transactions(false);
		await transactions(true);
		await blocks();
		await sync();
	},
};

const [name = "transactions"] = positionals;
const work = WORK[name];
if (work === undefined) {
	console.error(`there is no bench "${name}": one of ${Object.keys(WORK).join(", ")}`);
	process.exitCode = 1;
} else await work();
