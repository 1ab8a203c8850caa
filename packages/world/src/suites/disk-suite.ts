import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CairnError, type Disk, fromUtf8, utf8 } from "@cairn/kit";

/** What every Disk promises. `fresh` gives a disk and an existing, empty directory on it. */
export function diskSuite(name: string, fresh: () => Promise<{ disk: Disk; root: string }>): void {
	describe(`${name}: files`, () => {
		it("finds nothing where nothing is", async () => {
			const { disk, root } = await fresh();
			assert.equal(await disk.read(`${root}/none`), undefined);
			assert.equal(await disk.size(`${root}/none`), undefined);
			assert.deepEqual(await disk.list(`${root}/none`), []);
			await disk.remove(`${root}/none`);
		});

		it("replaces a whole file, the last of several calls winning", async () => {
			const { disk, root } = await fresh();
			const path = `${root}/state.json`;
			await Promise.all(["a longer text", "b", "last"].map((text) => disk.writeAtomic(path, utf8(text))));
			assert.equal(fromUtf8((await disk.read(path)) ?? utf8("")), "last");
			assert.deepEqual(await disk.list(root), ["state.json"]);
			assert.equal(await disk.size(path), 4);
		});

		it("appends in order, counts what is not written yet and goes on where it stopped", async () => {
			const { disk, root } = await fresh();
			const path = `${root}/log`;
			const file = await disk.openAppend(path);
			assert.equal(file.size, 0);
			file.append(utf8("one,"));
			file.append(utf8("two,"));
			assert.equal(file.size, 8);
			file.flush();
			assert.equal(await disk.size(path), 8);
			file.append(utf8("three,"));
			await Promise.all([file.sync(), file.sync(), file.sync()]);
			file.append(utf8("four,"));
			await file.close();
			await file.close();
			const again = await disk.openAppend(path);
			assert.equal(again.size, 19);
			again.append(utf8("five"));
			await again.sync();
			await again.close();
			assert.equal(fromUtf8((await disk.read(path)) ?? utf8("")), "one,two,three,four,five");
		});

		it("writes many appends larger than one system call takes", async () => {
			const { disk, root } = await fresh();
			const file = await disk.openAppend(`${root}/many`);
			for (let i = 0; i < 3000; i++) file.append(Uint8Array.of(i & 255));
			await file.sync();
			await file.close();
			const bytes = (await disk.read(`${root}/many`)) ?? new Uint8Array(0);
			assert.equal(bytes.length, 3000);
			assert.ok(bytes.every((byte, i) => byte === (i & 255)));
		});

		it("truncates, renames, removes and lists in order", async () => {
			const { disk, root } = await fresh();
			await disk.writeAtomic(`${root}/b`, utf8("hello"));
			await disk.makeDirectory(`${root}/c/deep`);
			await disk.writeAtomic(`${root}/c/deep/x`, utf8("1"));
			await disk.truncate(`${root}/b`, 2);
			await disk.rename(`${root}/b`, `${root}/a`);
			assert.equal(fromUtf8((await disk.read(`${root}/a`)) ?? utf8("")), "he");
			assert.deepEqual(await disk.list(root), ["a", "c"]);
			await disk.remove(`${root}/c`);
			assert.deepEqual(await disk.list(root), ["a"]);
			assert.equal(await disk.read(`${root}/c/deep/x`), undefined);
		});

		it("blames the operator and names the file", async () => {
			const { disk, root } = await fresh();
			const path = `${root}/no/such/directory/file`;
			const operations = [
				() => disk.writeAtomic(path, utf8("x")),
				() => disk.openAppend(path),
				() => disk.truncate(path, 0),
			];
			for (const failing of operations) {
				await assert.rejects(failing, (error) => {
					assert.ok(error instanceof CairnError);
					assert.equal(error.blame, "operator");
					assert.equal(error.code, "disk-missing");
					assert.ok(error.message.includes(`${root}/no/such/directory`));
					return true;
				});
			}
		});
	});
}
