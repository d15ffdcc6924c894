/**
 * nats-server and redis-server from Debian's packages: installed by apt as root; else downloaded with an apt that keeps
 * all its state in a folder of ours, and unpacked there. Both return null on a machine without apt.
 *
 * Crash story: packages are unpacked into a scratch folder that is renamed when complete; a second start finds either
 * the whole folder or none.
 */
import { cp, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Binary, isExecutable, onPath, type Program } from "./binaries.ts";

/** Debian's redis-server is a link into redis-tools, and wants these libraries, which a bare system lacks. */
const packages: Record<Program, readonly string[]> = {
  "nats-server": ["nats-server"],
  "redis-server": ["redis-server", "redis-tools", "libjemalloc2", "liblzf1", "libatomic1"],
};

export async function installAsRoot(program: Program): Promise<Binary | null> {
  if (process.getuid?.() !== 0 || !Bun.which("apt-get")) return null;
  // Only the program is wanted: RUNLEVEL=1 keeps the package from starting a service of its own.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  const apt = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", "-o", "APT::Update::Error-Mode=any"];
  const install = [...apt, "install", "-y", "--no-install-recommends", program];
  const first = await run(install, env);
  if (first !== null) {
    const updated = await run([...apt, "update"], env);
    const second = updated ?? (await run(install, env));
    if (second !== null) throw new Error(`apt-get install ${program}: ${second}`);
  }
  return onPath(program);
}

export async function unpack(program: Program, binDir: string): Promise<Binary | null> {
  if (!Bun.which("apt-get") || !Bun.which("dpkg-deb")) return null;
  const dir = resolve(binDir, program);
  const found = await unpacked(program, dir);
  if (found) return found;
  await mkdir(binDir, { recursive: true });
  const work = await mkdtemp(join(resolve(binDir), ".download-"));
  try {
    await download(program, work);
    await rm(dir, { recursive: true, force: true });
    await rename(join(work, "root"), dir).catch(() => cp(join(work, "root"), dir, { recursive: true }));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return unpacked(program, dir);
}

async function download(program: Program, work: string): Promise<void> {
  for (const folder of ["state/lists/partial", "cache/archives/partial", "tmp", "root"]) {
    await mkdir(join(work, folder), { recursive: true });
  }
  const env = { ...process.env, TMPDIR: join(work, "tmp") };
  const own = [
    ...["-o", `Dir::State=${join(work, "state")}`, "-o", "Dir::State::status=/var/lib/dpkg/status"],
    ...["-o", `Dir::Cache=${join(work, "cache")}`, "-o", "APT::Sandbox::User=", "-o", "Debug::NoLocking=1"],
  ];
  const steps = [
    ["apt-get", "-q", ...own, "-o", "APT::Update::Error-Mode=any", "update"],
    ["apt-get", "-q", ...own, "download", ...packages[program]],
  ];
  for (const step of steps) {
    const failure = await run(step, env, join(work, "tmp"));
    if (failure !== null) throw new Error(`${step[0]} ${step.at(-1)}: ${failure}`);
  }
  for (const file of (await readdir(join(work, "tmp"))).filter(name => name.endsWith(".deb"))) {
    const failure = await run(["dpkg-deb", "-x", join(work, "tmp", file), join(work, "root")], env);
    if (failure !== null) throw new Error(`dpkg-deb -x ${file}: ${failure}`);
  }
}

async function unpacked(program: Program, dir: string): Promise<Binary | null> {
  const libraries = (await readdir(join(dir, "usr", "lib")).catch(() => [] as string[])).map(name =>
    join(dir, "usr", "lib", name),
  );
  for (const folder of ["usr/sbin", "usr/bin"]) {
    const path = join(dir, folder, program);
    if (await isExecutable(path)) return { path, env: { LD_LIBRARY_PATH: libraries.join(":") } };
  }
  return null;
}

/** Null when the command succeeded; else the end of what it said. */
async function run(command: string[], env: Record<string, string | undefined>, cwd?: string) {
  const child = Bun.spawn(command, {
    env,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    ...(cwd && { cwd }),
  });
  const [code, out, err] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()]);
  return code === 0 ? null : (err.trim() || out.trim()).split("\n").slice(-2).join(" ");
}
