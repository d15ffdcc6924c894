/** Sending a file with its progress. fetch tells nothing about what it has sent, so this is XMLHttpRequest. */
import { type ApiError, errorOf, MARK, sessionIsOver } from "./api.ts";

export type Sending = {
  /** What the API answers. @throws ApiError */
  done: Promise<{ id: string; status: string }>;
  stop(): void;
};

/** `onProgress`: from 0 to 1, of the bytes that have left. */
export function send(path: string, file: File, onProgress: (part: number) => void): Sending {
  const request = new XMLHttpRequest();
  const form = new FormData();
  form.append("file", file);
  const done = new Promise<{ id: string; status: string }>((resolve, reject: (error: ApiError) => void) => {
    request.upload.onprogress = event => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onerror = () => reject(errorOf(0, { detail: "The server does not answer." }));
    request.onabort = () => reject(errorOf(0, { code: "stopped", detail: "Stopped." }));
    request.onload = () => {
      const body = jsonOf(request.responseText);
      if (request.status < 300) return resolve(body as { id: string; status: string });
      if (request.status === 401) sessionIsOver();
      reject(errorOf(request.status, body));
    };
  });
  request.open("POST", path);
  for (const [name, value] of Object.entries(MARK)) request.setRequestHeader(name, value);
  request.send(form);
  return { done, stop: () => request.abort() };
}

function jsonOf(text: string) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
