/**
 * Jobs for BullMQ without TCP: what is added here an unmodified BullMQ worker takes, or `restis` in Rust.
 *
 * @example
 * import { Redis } from "restis";
 * import { Queue } from "restis/queue";
 *
 * const emails = new Queue("emails", { redis: Redis.fromEnv() });
 * await emails.add("welcome", { to: "ada@example.com" }, { attempts: 3, delay: 60_000 });
 */

/** What a queue needs of a client: that of this package is one. */
export interface QueueClient {
  /** A script with a method that runs it by its hash, and sends its text where the server does not know it. */
  createScript(script: string): {
    /** Runs it. */
    exec(keys: string[], args: string[]): Promise<any>;
  };
}

/** How long a job that has failed waits for its next attempt. */
export type Backoff = number | { type: "fixed" | "exponential" | (string & {}); delay?: number; jitter?: number };

/** How many finished jobs are kept: all (`false`), none (`true`), the last so many, or those of a time in seconds. */
export type Keep = boolean | number | { age: number; count?: number; limit?: number } | { count: number };

/** Which jobs are one: until the first is finished, or for `ttl` milliseconds. */
export interface Deduplication {
  id: string;
  /** Milliseconds. 0 is no TTL, and `keepLastIfActive` ignores it. */
  ttl?: number;
  /** The time begins anew with each job that comes. */
  extend?: boolean;
  /** A job that is still delayed gives way to the one that comes. */
  replace?: boolean;
  /** The last one that comes while the first is worked on is added when that is done. Workers need BullMQ 5.72. */
  keepLastIfActive?: boolean;
}

/** What can be said of any job. */
interface CommonOptions {
  /** Its id. Default: a random one. Not a whole number, without colons, and not the name of a key of the queue, such as `wait`. */
  jobId?: string;
  /** Milliseconds before it can be taken. */
  delay?: number;
  /** Taken behind those without and with a lower number: 1 to 2097151. */
  priority?: number;
  /** Taken before those that wait already. */
  lifo?: boolean;
  attempts?: number;
  backoff?: Backoff;
  /** When it counts as added, in Unix milliseconds. */
  timestamp?: number;
  removeOnComplete?: Keep;
  removeOnFail?: Keep;
  /** More bytes of JSON are an error, and nothing is added. */
  sizeLimit?: number;
  keepLogs?: number;
  stackTraceLimit?: number;
}

/** What becomes of the parent when a child has failed for good: one of these, or none. */
export type ChildFailure =
  | { failParentOnFailure?: boolean; continueParentOnFailure?: never; ignoreDependencyOnFailure?: never; removeDependencyOnFailure?: never }
  | { failParentOnFailure?: never; continueParentOnFailure?: boolean; ignoreDependencyOnFailure?: never; removeDependencyOnFailure?: never }
  | { failParentOnFailure?: never; continueParentOnFailure?: never; ignoreDependencyOnFailure?: boolean; removeDependencyOnFailure?: never }
  | { failParentOnFailure?: never; continueParentOnFailure?: never; ignoreDependencyOnFailure?: never; removeDependencyOnFailure?: boolean };

/** A job with a parent cannot be deduplicated. `queue` is that of the parent with its prefix, `bull:name`. */
export type Kinship =
  | { parent?: never; deduplication?: Deduplication }
  | { parent: { id: string; queue: string }; deduplication?: never };

/** What can be said of a job, by BullMQ's names. */
export type JobOptions = CommonOptions & ChildFailure & Kinship;

/** A job that was added, or the one that stands for it. */
export interface Job<Data = unknown, Name extends string = string> {
  id: string;
  name: Name;
  data: Data;
}

/** Where a queue is, and what all its jobs have. */
export interface QueueOptions {
  redis: QueueClient;
  /** What stands before the name in each key. Default: `bull`. */
  prefix?: string;
  /** For all jobs that do not say otherwise. */
  defaultJobOptions?: CommonOptions;
}

/** Adds jobs. Errors are those of the client; a mistake in an option is a TypeError, and nothing was sent. */
export declare class Queue<Data = unknown, Name extends string = string> {
  readonly name: string;
  constructor(name: string, options: QueueOptions);
  /**
   * Adds a job. A request whose answer was lost is sent again, and the job is one.
   *
   * Cost: one request, 8 billed commands; 10 with a delay, 9 with a priority.
   */
  add(name: Name, data: Data, opts?: JobOptions): Promise<Job<Data, Name>>;
  /**
   * Adds jobs, all or none.
   *
   * Cost: one request, 5 billed commands and 3 for each job.
   */
  addBulk(jobs: readonly { name: Name; data: Data; opts?: JobOptions }[]): Promise<Job<Data, Name>[]>;
}

/** A job with those that have to be done before it. */
export interface FlowJob {
  name: string;
  queueName: string;
  prefix?: string;
  data?: unknown;
  opts?: CommonOptions & ChildFailure;
  children?: readonly FlowJob[];
}

/** The jobs of a tree as they were added. */
export interface AddedFlow {
  job: Job & { queueName: string };
  children?: AddedFlow[];
}

/** Adds trees of jobs, over several queues. */
export declare class FlowProducer {
  constructor(options: { redis: QueueClient; prefix?: string });
  /** Adds all jobs of a tree, or none. Cost: one request. */
  add(tree: FlowJob): Promise<AddedFlow>;
}
