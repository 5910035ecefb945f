// SPDX-License-Identifier: Apache-2.0
// Fields with their label, hint and error; the error of the server stands beside the field it names.
import { createContext, type ComponentChildren } from "preact";
import { useContext, useEffect, useId, useRef } from "preact/hooks";
import type { Fault } from "../core/api";
import { FaultNote } from "./parts";

/** True where a fault is about a field: the server names it alone, or with its place, "Service:IMAPS/Port". */
export function is_about(fault: Fault | null, name: string | undefined): boolean {
	if (!fault?.field || name === undefined) return false;
	const field = fault.field.toLowerCase(), wanted = name.toLowerCase();
	return field === wanted || field.endsWith(`/${wanted}`);
}

const FaultOfForm = createContext<Fault | null>(null);

interface FormProps {
	fault: Fault | null;
	submit: () => void;
	children: ComponentChildren;
	end?: ComponentChildren;
	label?: string;
}

/** The element in which the field with the error takes the focus, once, as soon as it is shown. */
export function useWrongShown<T extends HTMLElement>(fault: Fault | null) {
	const form = useRef<T>(null);
	const told = useRef<Fault | null>(null);
	useEffect(() => {
		const wrong = fault !== told.current && form.current?.querySelector<HTMLElement>("[aria-invalid=true]");
		if (!wrong) return;
		told.current = fault;
		wrong.focus();
	});
	return form;
}

/** A form; the faults that name no field of it are shown at its end. */
export function Form({ fault, submit, children, end, label }: FormProps) {
	const form = useWrongShown<HTMLFormElement>(fault);
	const submitted = (event: Event) => {
		event.preventDefault();
		submit();
	};
	const fields = [...form.current?.querySelectorAll<HTMLElement>("[data-field]") ?? []];
	const has_place = fields.some((field) => is_about(fault, field.dataset.field));
	return (
		<FaultOfForm.Provider value={fault}>
			<form class="form" ref={form} onSubmit={submitted} noValidate aria-label={label}>
				{children}
				{!has_place && <FaultNote fault={fault} />}
				{end && <div class="end">{end}</div>}
			</form>
		</FaultOfForm.Provider>
	);
}

/** What every field has. */
interface Labelled {
	label: string;
	/** The name by which the server speaks of it. */
	name?: string;
	hint?: ComponentChildren;
	wrong?: string | null;
}

interface FieldProps extends Labelled {
	children: (attributes: { id: string; "aria-describedby": string | undefined; "aria-invalid": boolean | undefined; name: string | undefined }) => ComponentChildren;
}

export function Field({ label, name, hint, wrong, children }: FieldProps) {
	const id = useId();
	const fault = useContext(FaultOfForm);
	const said = wrong ?? (is_about(fault, name) ? fault!.message : null);
	const described = [hint ? `${id}-hint` : "", said ? `${id}-wrong` : ""].filter(Boolean).join(" ");
	return (
		<div class="field" data-field={name}>
			<label for={id}>{label}</label>
			{children({ id, name, "aria-describedby": described || undefined, "aria-invalid": said ? true : undefined })}
			{hint && <div class="hint" id={`${id}-hint`}>{hint}</div>}
			{said && <div class="wrong" id={`${id}-wrong`}>{said}</div>}
		</div>
	);
}

/** A field that holds a text. */
interface Valued extends Labelled {
	value: string;
	change: (value: string) => void;
	disabled?: boolean;
}

interface TextProps extends Valued {
	type?: "text" | "password" | "number" | "search" | "email" | "date";
	placeholder?: string;
	autocomplete?: string;
	mono?: boolean;
	lines?: number;
}

export function Text({ label, name, hint, wrong, value, change, type = "text", placeholder, autocomplete = "off", disabled, mono, lines }: TextProps) {
	const changed = (event: Event) => change((event.currentTarget as HTMLInputElement).value);
	return (
		<Field label={label} name={name} hint={hint} wrong={wrong}>
			{(attributes) => lines
				? <textarea {...attributes} class={mono ? "mono" : ""} rows={lines} value={value} onInput={changed} disabled={disabled} spellcheck={false} />
				: <input {...attributes} class={mono ? "mono" : ""} type={type} value={value} onInput={changed} placeholder={placeholder} autocomplete={autocomplete} disabled={disabled} spellcheck={false} autocapitalize="none" />}
		</Field>
	);
}

export type Options = readonly (readonly [string, string])[];

interface SelectProps extends Valued {
	options: Options;
}

export function Select({ label, name, hint, wrong, value, change, options, disabled }: SelectProps) {
	return (
		<Field label={label} name={name} hint={hint} wrong={wrong}>
			{(attributes) => (
				<select {...attributes} value={value} disabled={disabled} onChange={(event) => change(event.currentTarget.value)}>
					{options.map(([key, text]) => <option key={key} value={key}>{text}</option>)}
				</select>
			)}
		</Field>
	);
}

interface ChoiceProps {
	label: string;
	hint?: string;
	checked: boolean;
	change: (checked: boolean) => void;
	disabled?: boolean;
	/** With a group's name it is one of several. */
	group?: string;
}

export function Choice({ label, hint, checked, change, disabled, group }: ChoiceProps) {
	const id = useId();
	return (
		<div class="choice">
			<input id={id} type={group ? "radio" : "checkbox"} name={group} checked={checked} disabled={disabled} aria-describedby={hint ? `${id}-hint` : undefined} onChange={(event) => change(event.currentTarget.checked)} />
			<span>
				<label for={id}>{label}</label>
				{hint && <span class="soft small" id={`${id}-hint`}>{hint}</span>}
			</span>
		</div>
	);
}
