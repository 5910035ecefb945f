// SPDX-License-Identifier: Apache-2.0
// Writes the TypeScript types of the API from its OpenAPI document:
//   node types.mjs OPENAPI.json ROUTES.ts
// One interface, Routes, with a member for each operation, "GET /queue/{id}", that holds the types of
// its path, query, body and answer; one type for each schema of the document.
import { readFileSync, writeFileSync } from "node:fs";

const [source, target] = process.argv.slice(2);
const document = JSON.parse(readFileSync(source, "utf8"));
const methods = ["get", "post", "put", "patch", "delete"];

const plain = { string: "string", number: "number", integer: "number", boolean: "boolean", null: "null" };
const key = (name) => (/^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name));
const type_name = (name) => name.replace(/\W+/g, "_");

function object_type(schema) {
	const required = new Set(schema.required ?? []);
	const members = Object.entries(schema.properties ?? {}).map(([name, value]) => `${key(name)}${required.has(name) ? "" : "?"}: ${type_of(value)};`);
	const open = schema.additionalProperties;
	if (members.length === 0) {
		if (open === false) return "Record<string, never>";
		return `Record<string, ${open && open !== true ? type_of(open) : "unknown"}>`;
	}
	if (open && open !== true) members.push("[more: string]: unknown;");
	return `{ ${members.join(" ")} }`;
}

function one_type(schema, name) {
	if (name === "array") return `${schema.items ? `(${type_of(schema.items)})` : "unknown"}[]`;
	if (name === "object") return object_type(schema);
	return plain[name] ?? "unknown";
}

/** The TypeScript type of a JSON Schema. */
function type_of(schema) {
	if (schema === undefined || schema === true) return "unknown";
	if (schema.$ref) return type_name(schema.$ref.split("/").pop());
	if ("const" in schema) return JSON.stringify(schema.const);
	if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
	if (schema.oneOf ?? schema.anyOf) return (schema.oneOf ?? schema.anyOf).map(type_of).join(" | ");
	if (schema.allOf) return schema.allOf.map((part) => `(${type_of(part)})`).join(" & ");
	const names = [schema.type ?? (schema.properties ? "object" : undefined)].flat();
	return names.map((name) => one_type(schema, name)).join(" | ");
}

const resolved = (value) => (value?.$ref ? value.$ref.split("/").slice(1).reduce((at, step) => at[step], document) : value);

function parameters_type(operation, path, place) {
	const all = [...(path.parameters ?? []), ...(operation.parameters ?? [])].map(resolved).filter((each) => each.in === place);
	if (all.length === 0) return "Record<string, never>";
	return `{ ${all.map((each) => `${key(each.name)}${each.required ? "" : "?"}: ${type_of(each.schema)};`).join(" ")} }`;
}

const content_type = (holder) => {
	const content = resolved(holder)?.content;
	if (!content) return "null";
	const media = content["application/json"];
	return media ? type_of(media.schema) : "string";
};

function route_line(name, path, method) {
	const operation = path[method];
	const success = Object.entries(operation.responses ?? {}).find(([status]) => status.startsWith("2"));
	const body = operation.requestBody ? content_type(operation.requestBody) : "undefined";
	return `\t${JSON.stringify(`${method.toUpperCase()} ${name}`)}: {\n` +
		`\t\tpath: ${parameters_type(operation, path, "path")};\n` +
		`\t\tquery: ${parameters_type(operation, path, "query")};\n` +
		`\t\tbody: ${body};\n` +
		`\t\tanswer: ${success ? content_type(success[1]) : "null"};\n\t};`;
}

const schemas = Object.entries(document.components?.schemas ?? {}).map(([name, schema]) => `export type ${type_name(name)} = ${type_of(schema)};`);
const base = (document.servers?.[0]?.url ?? "").replace(/\/$/, "");
const unprefixed = (name) => (base === "" && name.startsWith("/api/v1") ? name.slice("/api/v1".length) : name);
const routes = Object.entries(document.paths).flatMap(([name, path]) => methods.filter((method) => path[method]).map((method) => route_line(unprefixed(name), path, method)));

writeFileSync(target, `// SPDX-License-Identifier: Apache-2.0\n// Made by tools/types.mjs from the server's OpenAPI document.\n${schemas.join("\n")}\n\nexport interface Routes {\n${routes.join("\n")}\n}\n`);
