// SPDX-License-Identifier: Apache-2.0
// Makes the page's one script and one style sheet, for src/httpd/embed.py to put into the binary:
//   node bundle.mjs SOURCE FOLDER
// FOLDER/node_modules holds the packages; app.js, app.css and app.d (for ninja) come to FOLDER.
import { createRequire } from "node:module";
import { writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";

const [source, folder] = process.argv.slice(2).map((path) => resolve(path));
const esbuild = createRequire(join(folder, "package.json"))("esbuild");

/** Bundles; gives the files that the bundle was made from. */
async function bundle() {
	const result = await esbuild.build({
		entryPoints: { app: join(source, "src/main.tsx") },
		outdir: folder,
		bundle: true,
		minify: true,
		metafile: true,
		format: "esm",
		target: ["es2022", "chrome123", "firefox120", "safari17.5"],
		jsx: "automatic",
		jsxImportSource: "preact",
		legalComments: "none",
		nodePaths: [join(folder, "node_modules")],
		absWorkingDir: source,
		logLevel: "warning",
		// What a tsconfig.json above the source says must not reach the product.
		tsconfigRaw: { compilerOptions: { target: "es2022", useDefineForClassFields: true } },
	});
	return Object.keys(result.metafile.inputs).map((path) => resolve(source, path));
}

/** Tells ninja which files the bundle was made from. */
function depfile(inputs) {
	const names = inputs.map((path) => path.replace(/ /g, "\\ "));
	writeFileSync(join(folder, "app.d"), `${relative(process.cwd(), join(folder, "app.js"))}: ${names.join(" ")}\n`);
}

depfile(await bundle());
