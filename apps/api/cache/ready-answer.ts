/**
 * An answer as bytes: its body, what is compressed of it (made when it is first asked for, once), a strong ETag for each, and
 * the headers that never differ. It is shared by all who ask.
 */
import { compress, type Encoding, MIN_COMPRESSED_BYTES } from "../http/compression.ts";
import { encodedETag, strongETag } from "../http/etag.ts";

const utf8 = new TextEncoder();

export type Form = {
  /** Answers that are made of a Blob share its bytes; those of an array would copy them. */
  readonly body: Blob;
  readonly headers: Readonly<Record<string, string>>;
};

export class ReadyAnswer {
  readonly etag: string;
  readonly #text: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #vary: string;
  readonly #forms = new Map<Encoding | null, Form>();

  /** `headers`: beside those of the representation; `vary`: by what it is another one, beside the encoding. */
  constructor(text: string, headers: Readonly<Record<string, string>>, vary = "x-publishable-key") {
    this.#text = text;
    this.#headers = headers;
    this.#vary = vary;
    this.etag = strongETag(text);
  }

  /** What it takes, roughly, with its forms. */
  get bytes(): number {
    return 2 * this.#text.length;
  }

  get isCompressible(): boolean {
    return this.#text.length >= MIN_COMPRESSED_BYTES;
  }

  form(encoding: Encoding | null): Form {
    const wanted = this.isCompressible ? encoding : null;
    const known = this.#forms.get(wanted);
    if (known) return known;
    const plain = utf8.encode(this.#text);
    const form: Form = {
      body: new Blob([wanted === null ? plain : compress(plain, wanted)]),
      headers: {
        "content-type": "application/json; charset=utf-8",
        etag: wanted === null ? this.etag : encodedETag(this.etag, wanted),
        ...(wanted === null ? {} : { "content-encoding": wanted }),
        vary: this.isCompressible ? `${this.#vary}, accept-encoding` : this.#vary,
        ...this.#headers,
      },
    };
    this.#forms.set(wanted, form);
    return form;
  }
}
