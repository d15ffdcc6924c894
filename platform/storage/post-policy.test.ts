import { expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { signForm, signingKey } from "./post-policy.ts";

test("the signing key is that of the published example", () => {
  const key = signingKey("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830", "us-east-1", "iam");
  expect(key.toString("hex")).toBe("c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
});

test("the policy binds bucket, key, type and size, and its time", () => {
  const signer = {
    endpoint: "https://s3.example/",
    bucket: "b",
    accessKeyId: "AK",
    secretAccessKey: "SK",
    region: "r",
  };
  const bounds = { key: "upload/x/direct", contentType: "image/png", maxBytes: 99, seconds: 60 };
  const { url, fields, expiresAt } = signForm(signer, bounds, new Date("2026-01-02T03:04:05.678Z"));
  expect([url, expiresAt.toISOString()]).toEqual(["https://s3.example/b", "2026-01-02T03:05:05.678Z"]);
  const { policy, "x-amz-signature": signature, ...rest } = fields as Record<string, string>;
  expect(JSON.parse(Buffer.from(policy!, "base64").toString())).toEqual({
    expiration: "2026-01-02T03:05:05.678Z",
    conditions: [
      { bucket: "b" },
      ...Object.entries(rest).map(([name, value]) => ({ [name]: value })),
      ["content-length-range", 1, 99],
    ],
  });
  expect(rest).toMatchObject({
    key: "upload/x/direct",
    "Content-Type": "image/png",
    "x-amz-date": "20260102T030405Z",
  });
  const key = signingKey("SK", "20260102", "r", "s3");
  expect(signature).toBe(createHmac("sha256", key).update(policy!).digest("hex"));
});
