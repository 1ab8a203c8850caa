import { createFleet, type DepinApplication, openDepinApplication } from "@cairn/depin";
import { utf8 } from "@cairn/kit";
import { abci } from "@cairn/types/proto";

// Readings of the DePIN application per second of processor time, so that what else the machine does counts little:
// node bench/dist/depin.js [devices] [blocks]

const START = 1_795_305_600_000_000_000n;
const BLOCK_NS = 10_000_000_000n;

/** Milliseconds of processor time that this process has used. */
function used(): number {
	const { user, system } = process.cpuUsage();
	return (user + system) / 1000;
}

function rate(count: number, since: number): string {
	return `${Math.round((count * 1000) / (used() - since)).toLocaleString("en-US")} /s`.padStart(12);
}

async function measure(app: DepinApplication, height: number, time: bigint, txs: readonly Uint8Array[]): Promise<void> {
	const checking = used();
	for (const tx of txs) app.checkTx(abci.RequestCheckTx.create({ tx }));
	const checked = rate(txs.length, checking);
	const finalizing = used();
	const request = abci.RequestFinalizeBlock.create({ height: BigInt(height), time, txs });
	const { txResults } = app.finalizeBlock(request);
	const finalized = rate(txs.length, finalizing);
	const committing = used();
	await app.commit({});
	const committed = `${(used() - committing).toFixed(1)} ms`;
	const accepted = txResults.filter(({ code }) => code === 0).length;
	console.log(
		`block ${height}: CheckTx ${checked}, FinalizeBlock ${finalized}, Commit ${committed}, accepted ${accepted}`,
	);
}

const devices = Number(process.argv[2] ?? 5000);
const blocks = Number(process.argv[3] ?? 8);
const fleet = createFleet({ seed: "bench", chainId: "bench", devices, faultRate: 0 });
const app = await openDepinApplication();
const appStateBytes = utf8(JSON.stringify(fleet.genesisState()));
app.initChain(abci.RequestInitChain.create({ chainId: "bench", time: START, appStateBytes }));
console.log(
	`${devices} devices, one reading of each in a block; CheckTx verifies the signatures, FinalizeBlock remembers`,
);
for (let height = 1; height <= blocks; height++) {
	const time = START + BigInt(height) * BLOCK_NS;
	const txs = fleet.devices.map((_, index) => fleet.next(index, time).tx);
	await measure(app, height, time, txs);
}
