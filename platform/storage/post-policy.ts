/**
 * A form with which somebody who has no key of ours may put one object into the bucket: under the key that we chose, of a
 * type and up to a size that we signed (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html). The service
 * refuses whatever differs from the policy.
 */
import { createHmac } from "node:crypto";

export type PostForm = {
  /** Where the form is posted, as multipart/form-data with {@link fields} first and the file, `file`, last. */
  readonly url: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly expiresAt: Date;
};

export type PostBounds = { key: string; contentType: string; maxBytes: number; seconds: number };

type Signer = {
  endpoint: string;
  bucket: string;
  accessKeyId: string;
  secretAccessKey: string;
  region: string;
};

export function signForm(signer: Signer, bounds: PostBounds, now: Date): PostForm {
  const stamp = now.toISOString().replace(/[-:]|\.\d{3}/g, "");
  const day = stamp.slice(0, 8);
  const expiresAt = new Date(now.getTime() + bounds.seconds * 1_000);
  const fields = {
    key: bounds.key,
    "Content-Type": bounds.contentType,
    "x-amz-algorithm": "AWS4-HMAC-SHA256",
    "x-amz-credential": `${signer.accessKeyId}/${day}/${signer.region}/s3/aws4_request`,
    "x-amz-date": stamp,
  };
  const conditions = [
    { bucket: signer.bucket },
    ...Object.entries(fields).map(([name, value]) => ({ [name]: value })),
    ["content-length-range", 1, bounds.maxBytes],
  ];
  const policy = Buffer.from(JSON.stringify({ expiration: expiresAt.toISOString(), conditions })).toString(
    "base64",
  );
  const key = signingKey(signer.secretAccessKey, day, signer.region, "s3");
  const signature = createHmac("sha256", key).update(policy).digest("hex");
  const url = `${signer.endpoint.replace(/\/+$/, "")}/${signer.bucket}`;
  return { url, fields: { ...fields, policy, "x-amz-signature": signature }, expiresAt };
}

export function signingKey(secret: string, day: string, region: string, service: string): Buffer {
  const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();
  return hmac(hmac(hmac(hmac(`AWS4${secret}`, day), region), service), "aws4_request");
}
