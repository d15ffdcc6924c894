/** Types and pure rules: what a mail address, a name and a password may be, and how they are compared. */
import { type FieldError, invalid } from "../../platform/errors.ts";

export type Customer = {
  id: string;
  email: string;
  name: string | null;
  phone: string | null;
  createdAt: string;
  updatedAt: string;
};

export type NewCustomer = {
  email: string;
  password: string;
  name?: string | null | undefined;
  phone?: string | null | undefined;
};

/** Undefined leaves a field alone, null clears it. Email and password want the current password. */
export type CustomerChange = {
  email?: string | undefined;
  name?: string | null | undefined;
  phone?: string | null | undefined;
  password?: string | undefined;
  currentPassword?: string | undefined;
};

/** A session as its owner gets it: the only time that the token is seen. */
export type NewSession = { token: string; expiresAt: Date };

/** Characters (code points after normalisation), not bytes. */
export const passwordLength = { min: 8, max: 256 } as const;

/**
 * One spelling per text: NFC. Half a surrogate pair and control characters (C0, C1, DEL) are refused: Postgres can't hold
 * some of them, mail headers and logs must not hold others.
 */
function oneSpelling(text: string, errors: FieldError[], path: string): string {
  if (!text.isWellFormed()) errors.push({ path, message: "is not well-formed Unicode" });
  else if (/\p{Cc}/u.test(text)) errors.push({ path, message: "must not hold control characters" });
  return text.normalize("NFC");
}

/** What addresses are compared by in a store. Mails go to the address as it was registered, never to this or to what was typed. */
export function emailKey(email: string): string {
  return email.normalize("NFC").toLowerCase();
}

const ADDRESS = /^[^\s@<>()[\],;:\\"]{1,64}@[^\s@<>()[\],;:\\"]+$/u;

function checkedEmail(email: string, errors: FieldError[]): string {
  const address = oneSpelling(email, errors, "email");
  // Format characters are invisible: two addresses that look the same would be two customers.
  const fits = ADDRESS.test(address) && address.length <= 254 && !/\p{Cf}/u.test(address);
  if (!fits && errors.length === 0) errors.push({ path: "email", message: "must be a single mail address" });
  return address;
}

/**
 * A password as it is hashed: the OpaqueString profile of RFC 8265 (any space is U+0020, NFC, no control characters), so
 * that the same keys give the same password on every keyboard.
 */
export function passwordText(password: string): string {
  return password.replaceAll(/\p{Zs}/gu, " ").normalize("NFC");
}

function checkedPassword(password: string, errors: FieldError[], path: string): string {
  const text = passwordText(oneSpelling(password, errors, path));
  const length = [...text].length;
  const { min, max } = passwordLength;
  if (length < min || length > max) errors.push({ path, message: `must have ${min} to ${max} characters` });
  return text;
}

function checkedLine(text: string | null | undefined, errors: FieldError[], path: string) {
  if (typeof text !== "string") return text;
  const line = oneSpelling(text, errors, path).trim();
  return line === "" ? null : line;
}

function settled<T>(value: T, errors: FieldError[]): T {
  if (errors.length > 0) throw invalid(errors);
  return value;
}

/** @throws Problem 422 naming each field at fault. */
export function checkedCustomer(input: NewCustomer) {
  const errors: FieldError[] = [];
  const customer = {
    email: checkedEmail(input.email, errors),
    password: checkedPassword(input.password, errors, "password"),
    name: checkedLine(input.name, errors, "name") ?? null,
    phone: checkedLine(input.phone, errors, "phone") ?? null,
  };
  return settled({ ...customer, emailKey: emailKey(customer.email) }, errors);
}

/** @throws Problem 422 naming each field at fault, or that the current password is missing. */
export function checkedChange(change: CustomerChange) {
  const errors: FieldError[] = [];
  const email = change.email === undefined ? undefined : checkedEmail(change.email, errors);
  const checked = {
    email,
    emailKey: email === undefined ? undefined : emailKey(email),
    password:
      change.password === undefined ? undefined : checkedPassword(change.password, errors, "password"),
    name: checkedLine(change.name, errors, "name"),
    phone: checkedLine(change.phone, errors, "phone"),
  };
  const guarded = email !== undefined || change.password !== undefined;
  if (guarded && change.currentPassword === undefined) {
    errors.push({ path: "currentPassword", message: "is needed to change the email or the password" });
  }
  return settled(checked, errors);
}

/** @throws Problem 422. */
export function checkedNewPassword(password: string): string {
  const errors: FieldError[] = [];
  return settled(checkedPassword(password, errors, "password"), errors);
}

/** Tokens are 160 random bits, so a fast hash is enough. */
export function tokenHash(token: string): Buffer {
  return new Bun.CryptoHasher("sha256").update(token).digest() as unknown as Buffer;
}

export const isSessionToken = (text: string): boolean => /^sess_[0-9a-z]{32}$/.test(text);
export const isResetToken = (text: string): boolean => /^pwr_[0-9a-z]{32}$/.test(text);
