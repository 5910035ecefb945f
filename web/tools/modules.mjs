// SPDX-License-Identifier: Apache-2.0
// Puts the npm packages of package-lock.json under a folder of the build tree:
//   node modules.mjs SOURCE FOLDER [all]
// Without "all" only what the product is made of; with it what its tests need too.
// Does nothing when the folder already has what the lock file says.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const files = ["package.json", "package-lock.json", ".npmrc"];
const [source, folder, extent] = process.argv.slice(2);
const stamp = join(folder, "modules.stamp");

/** Tells by what the packages under the folder were chosen. */
function state() {
	const hash = createHash("sha256").update(extent ?? "product");
	for (const file of files) hash.update(readFileSync(join(source, file)));
	return hash.digest("hex");
}

/** Installs exactly what the lock file names; no package runs a script of its own. */
function install() {
	mkdirSync(folder, { recursive: true });
	for (const file of files) copyFileSync(join(source, file), join(folder, file));
	const omit = extent === "all" ? [] : ["--omit=dev"];
	const npm = spawnSync("npm", ["ci", "--ignore-scripts", "--prefer-offline", "--loglevel=error", ...omit], {
		cwd: folder,
		stdio: ["ignore", "inherit", "inherit"],
	});
	if (npm.status !== 0) {
		console.error("npm could not install the packages of web/package-lock.json.");
		process.exit(1);
	}
}

const wanted = state();
const there = existsSync(stamp) && existsSync(join(folder, "node_modules")) ? readFileSync(stamp, "utf8") : "";
if (there !== wanted) install();
writeFileSync(stamp, wanted);
