/**
 * Full-text and vector indexes of Upstash. Other servers have none of these commands.
 *
 * @example
 * const people = await redis.search.createIndex({
 *   name: "people", dataType: "hash", prefix: "person:", existsOk: true,
 *   schema: { name: "TEXT", born: { type: "U64", fast: true } },
 * });
 * const found = await people.query({ filter: { name: { $fuzzy: "adda" }, born: { $lt: 1900 } }, limit: 5 });
 */

/** What a field holds. */
export type FieldType = "TEXT" | "U64" | "I64" | "F64" | "BOOL" | "DATE" | "KEYWORD" | "FACET";
/** Words. `noTokenize`: one word, `noStem`: as it is written, `from`: the field of the document it is read from. */
export type TextField = { type: "TEXT"; noTokenize?: boolean; noStem?: boolean; from?: string };
/** A number, which can be ordered by and aggregated. */
export type NumericField<T extends "U64" | "I64" | "F64" = "U64" | "I64" | "F64"> = { type: T; fast: true; from?: string };
/** `fast`: can be ordered by and aggregated. */
export type BoolField = { type: "BOOL"; fast?: boolean; from?: string };
/** A time, as RFC 3339 writes it. `fast`: can be ordered by and aggregated. */
export type DateField = { type: "DATE"; fast?: boolean; from?: string };
/** A text that is compared as a whole. */
export type KeywordField = { type: "KEYWORD" };
/** A path such as `/shoes/red`, whose levels can be counted. */
export type FacetField = { type: "FACET" };
/** A field with what is said of it. */
export type DetailedField = TextField | NumericField | BoolField | DateField | KeywordField | FacetField;
/** Fields by their names in a hash or an entry of a stream. */
export type FlatIndexSchema = { [name: string]: FieldType | DetailedField };
/** Fields by their names in JSON, where objects have fields of their own. */
export type NestedIndexSchema = { [name: string]: FieldType | DetailedField | NestedIndexSchema };
/** A schema of either kind. */
type AnySchema = NestedIndexSchema | FlatIndexSchema;

/** A schema that nobody has told the types of. */
type Untold<S> = [AnySchema] extends [S] ? true : false;
/** Whether something is a field, and no object of fields. */
type IsField<F> = F extends FieldType | { type: FieldType } ? true : false;
/** The type of a field. */
type TypeOf<F> = F extends FieldType ? F : F extends { type: infer T extends FieldType } ? T : never;
/** What a field's value is in JavaScript. */
type ValueOf<T> = T extends "U64" | "I64" | "F64" ? number : T extends "BOOL" ? boolean : string;
/** The field at a path. */
type At<S, P> = P extends `${infer First}.${infer Rest}`
  ? First extends keyof S ? At<S[First], Rest> : never
  : P extends keyof S ? S[P] : never;

/** The fields of a schema, with a dot for each level. */
export type SchemaPaths<S> = Untold<S> extends true
  ? string
  : { [K in keyof S & string]: IsField<S[K]> extends true ? K : `${K}.${SchemaPaths<S[K]>}` }[keyof S & string];

/** What a document of this schema is. A field that is read from another one is not in it. */
export type SchemaData<S> = Untold<S> extends true
  ? any
  : { -readonly [K in keyof S as S[K] extends { from: string } ? never : K]: IsField<S[K]> extends true ? ValueOf<TypeOf<S[K]>> : SchemaData<S[K]> };

/** A value at a path, as an object. */
type Nested<P, V> = P extends `${infer First}.${infer Rest}` ? { [K in First]: Nested<Rest, V> } : { [K in P & string]: V };
/** All of a union at once. */
type All<U> = (U extends unknown ? (value: U) => void : never) extends (value: infer I) => void ? I : never;
/** A document of the fields at these paths. */
type Selected<S, P> = All<P extends unknown ? Nested<P, Untold<S> extends true ? any : ValueOf<TypeOf<At<S, P>>>> : never>;

/** By how much a condition counts in the score. */
type Boost = { $boost?: number };
/** Conditions by comparison. */
type Compared<V> = { $eq?: V; $in?: V[]; $gt?: V; $gte?: V; $lt?: V; $lte?: V };
/** Conditions for words. */
type TextCondition = {
  $eq?: string;
  $in?: string[];
  $fuzzy?: string | { value: string; distance?: number; transpositionCostOne?: boolean; prefix?: boolean };
  $phrase?: string | { value: string; slop?: number; prefix?: never } | { value: string; prefix: boolean; slop?: never };
  $regex?: string;
  $smart?: string;
};
/** The conditions for a type of field. */
type ConditionOf<T> = T extends "TEXT"
  ? TextCondition
  : T extends "BOOL"
    ? { $eq?: boolean; $in?: boolean[] }
    : T extends "DATE"
      ? Compared<string | Date>
      : T extends "FACET"
        ? { $eq?: string; $in?: string[] }
        : Compared<ValueOf<T>>;
/** A value or conditions for each field. */
type Conditions<S> = { [P in SchemaPaths<S>]?: ValueOf<TypeOf<At<S, P>>> | (ConditionOf<TypeOf<At<S, P>>> & Boost) };
/** One, or several. */
type OneOrMore<T> = T | T[];

/** Which documents are meant: conditions on fields, and groups of such. */
export type QueryFilter<S> = Untold<S> extends true
  ? Record<string, any>
  : Conditions<S> & Boost & {
    $and?: OneOrMore<QueryFilter<S>>;
    $or?: OneOrMore<QueryFilter<S>>;
    $must?: OneOrMore<QueryFilter<S>>;
    $should?: OneOrMore<QueryFilter<S>>;
    $mustNot?: OneOrMore<QueryFilter<S>>;
  };

/** What is made of a value before it takes part in the score. */
type ScoreModifier = "none" | "log" | "log1p" | "log2p" | "ln" | "ln1p" | "ln2p" | "square" | "sqrt" | "reciprocal";
/** How values take part in the score. */
type ScoreMode = "multiply" | "sum" | "replace";
/** A field that takes part in the score, and how. */
type ScoreField<P> = P | { field: P; modifier?: ScoreModifier; factor?: number; missing?: number };
/** Fields whose values take part in the score. */
export type ScoreBy<P = string> =
  | P
  | { field: P; modifier?: ScoreModifier; factor?: number; missing?: number; scoreMode?: ScoreMode }
  | { fields: ScoreField<P>[]; combineMode?: "multiply" | "sum"; scoreMode?: ScoreMode };

/** One field to order by. */
type OrderBy<P extends string> = { [K in P]: { [F in K]: "ASC" | "DESC" } }[P];

/** Which documents, in which order, and what of them. */
export type QueryOptions<S> = {
  /** Default: all documents. */
  filter?: QueryFilter<S>;
  /** At most this many hits. */
  limit?: number;
  /** Without the first so many. */
  offset?: number;
  /** Only these fields; `{}` is none, and hits without `data`. */
  select?: { [P in SchemaPaths<S>]?: true };
  /** Marks the words that were found, in these fields. */
  highlight?: { fields: SchemaPaths<S>[] } & ({ preTag: string; postTag: string } | { preTag?: never; postTag?: never });
} & ({ orderBy?: OrderBy<SchemaPaths<S>>; scoreFunc?: never } | { orderBy?: never; scoreFunc?: ScoreBy<SchemaPaths<S>> });

/** A document that was found, with how well it fits. */
export type QueryResult<S, O = undefined> = O extends { select: infer Fields }
  ? {} extends Fields
    ? { key: string; score: number }
    : { key: string; score: number; data: Selected<S, keyof Fields> }
  : { key: string; score: number; data: SchemaData<S> };

/** A field, and what stands for it where a document has none. */
type Over<S> = { field: SchemaPaths<S>; missing?: number };
/** The fields that are facets. */
type FacetPaths<S> = { [P in SchemaPaths<S>]: TypeOf<At<S, P>> extends "FACET" ? P : never }[SchemaPaths<S>];
/** One of these, and no other. */
type Single<T> = { [K in keyof T]: { [P in K]: T[K] } & { [P in Exclude<keyof T, K>]?: never } }[keyof T];
/** One number, or groups, over the documents that are meant. */
export type Aggregation<S> = Untold<S> extends true
  ? Record<string, any>
  : Single<{
    $terms: { field: SchemaPaths<S>; size?: number };
    $range: { field: SchemaPaths<S>; ranges: { from?: number; to?: number }[] };
    $histogram: { field: SchemaPaths<S>; interval: number };
    $stats: Over<S>;
    $avg: Over<S>;
    $sum: Over<S>;
    $min: Over<S>;
    $max: Over<S>;
    $count: { field: SchemaPaths<S> };
    $cardinality: { field: SchemaPaths<S> };
    $extendedStats: Over<S> & { sigma?: number };
    $percentiles: Over<S> & { percents?: number[]; keyed?: boolean };
    $facet: {
      field: FacetPaths<S>;
      path: string;
      depth?: number;
      size?: number;
      minDocCount?: number;
      order?: { count: "desc" | "asc" };
    };
  }> & { $aggs?: { [name: string]: Aggregation<S> } };

/** The documents of a group. */
type Bucket<K, S, A> = { key: K; docCount: number; from?: number; to?: number } & (A extends { $aggs: infer Inner } ? AggregateResult<S, Inner> : unknown);
/** What numbers are like. */
type Stats = { count: number; min: number; max: number; sum: number; avg: number };
/** How far numbers are from their mean. */
type Deviations = "variance" | "variancePopulation" | "varianceSampling" | "stdDeviation" | "stdDeviationPopulation" | "stdDeviationSampling";
/** Where most numbers are. */
type Bounds = "upper" | "lower" | "upperSampling" | "lowerSampling" | "upperPopulation" | "lowerPopulation";
/** A level of a facet, and those below. */
export type FacetNode = { path: string; docCount: number; sumOtherDocCount: number; children?: FacetNode[] };
/** What an aggregation gives. */
type ResultOf<S, A> = A extends { $terms: { field: infer P } }
  ? { buckets: Bucket<ValueOf<TypeOf<At<S, P>>>, S, A>[]; sumOtherDocCount: number; docCountErrorUpperBound: number }
  : A extends { $range: object }
    ? { buckets: Bucket<string, S, A>[] }
    : A extends { $histogram: object }
      ? { buckets: Bucket<number, S, A>[] }
      : A extends { $stats: object }
        ? Stats
        : A extends { $extendedStats: object }
          ? Stats & { sumOfSquares: number; stdDeviationBounds: Record<Bounds, number> } & Record<Deviations, number>
          : A extends { $percentiles: { keyed: false } }
            ? { values: { key: number; value: number }[] }
            : A extends { $percentiles: object }
              ? { values: Record<string, number> }
              : A extends { $facet: object }
                ? { path: string; sumOtherDocCount: number; children: FacetNode[] }
                : { value: number };
/** The results by the names that their aggregations were given. */
export type AggregateResult<S, A> = Untold<S> extends true ? Record<string, any> : { -readonly [K in keyof A]: ResultOf<S, A[K]> };

/** Which language's endings and stop words. */
export type Language =
  | "english" | "arabic" | "danish" | "dutch" | "finnish" | "french" | "german" | "greek" | "hungarian" | "italian"
  | "norwegian" | "portuguese" | "romanian" | "russian" | "spanish" | "swedish" | "tamil" | "turkish";

/** What an index is made of. */
export type CreateIndexParameters<S> = {
  name: string;
  /** Default: English. */
  language?: Language;
  /** Leaves out what is there already. */
  skipInitialScan?: boolean;
  /** An index of this name and the same make is no error. */
  existsOk?: boolean;
} & (
  | { dataType: "json" | "string"; prefix: string | string[]; schema: S & NestedIndexSchema; stream?: never }
  | { dataType: "hash"; prefix: string | string[]; schema: S & FlatIndexSchema; stream?: never }
  | { dataType: "stream"; stream: string; schema: S & FlatIndexSchema; prefix?: never }
);

/** What is known of an index. */
export type IndexDescription<S> = {
  name: string;
  dataType: "hash" | "string" | "json" | "stream";
  prefixes: string[];
  language?: Language;
  schema: Record<SchemaPaths<S>, { type: FieldType; noTokenize?: boolean; noStem?: boolean; fast?: boolean; from?: string }>;
};

/** A full-text index: {@link Search.createIndex} and {@link Search.index} give it. */
export class SearchIndex<S extends AnySchema = any> {
  private constructor();
  readonly name: string;
  readonly schema?: S;
  /** SEARCH.QUERY: documents, the best first. */
  query(): Promise<QueryResult<S>[]>;
  query<const O extends QueryOptions<S>>(options: O): Promise<QueryResult<S, O>[]>;
  /** SEARCH.AGGREGATE: numbers and groups; null without such an index. */
  aggregate<const A extends { [name: string]: Aggregation<S> }>(options: {
    filter?: QueryFilter<S>;
    aggregations: A;
  }): Promise<AggregateResult<S, A>>;
  /** SEARCH.COUNT: how many documents are meant; -1 without such an index. */
  count(options: { filter: QueryFilter<S> }): Promise<{ count: number }>;
  /** SEARCH.DESCRIBE: what it is made of; null without such an index. */
  describe(): Promise<IndexDescription<S> | null>;
  /** SEARCH.WAITINDEXING: waits until what was written is in the index; 0 without such an index. */
  waitIndexing(): Promise<0 | 1>;
  /** SEARCH.DROP: deletes the index and not its documents; 0 without such an index. */
  drop(): Promise<0 | 1>;
  /** SEARCH.ALIASADD: 1 is added, 2 moved from another index. */
  addAlias(options: { alias: string }): Promise<1 | 2>;
}

/** `redis.search` */
export interface Search {
  /** SEARCH.CREATE: makes the index and gives its handle. */
  createIndex<const S extends AnySchema>(options: CreateIndexParameters<S>): Promise<SearchIndex<S>>;
  /** The handle of an index that is there, with its schema for the types. Sends nothing. */
  index<const S extends AnySchema = any>(options: { name: string; schema?: S }): SearchIndex<S>;
  alias: {
    /** SEARCH.LISTALIASES: the indexes by their aliases. */
    list(): Promise<Record<string, string>>;
    /** SEARCH.ALIASADD: 1 is added, 2 moved from another index. */
    add(options: { indexName: string; alias: string }): Promise<1 | 2>;
    /** SEARCH.ALIASDEL: 0 without such an alias. */
    delete(options: { alias: string }): Promise<0 | 1>;
  };
}

/** What near means. */
export type VectorMetric = "COSINE" | "EUCLIDEAN" | "DOT";
/** Numbers, or their bytes as 32-bit floats, the smallest byte first. */
export type VectorInput = readonly number[] | Float32Array | { base64: string };

/** A vector index: {@link Vector.createIndex} and {@link Vector.index} give it. */
export class VectorIndex {
  private constructor();
  readonly name: string;
  /** VECTOR.ADD: 1 is new, 0 replaced. */
  add(id: string, vector: VectorInput): Promise<0 | 1>;
  /** VECTOR.GET: null without such an id. */
  get(id: string): Promise<number[] | null>;
  /** VECTOR.QUERY: the nearest, first the one with the highest score. */
  query(options: { vector: VectorInput; topK: number; profile?: "FAST" | "BALANCED" | "PRECISE" }): Promise<{ id: string; score: number }[]>;
  /** VECTOR.DEL */
  delete(id: string): Promise<0 | 1>;
  /** VECTOR.COUNT */
  count(): Promise<number>;
  /** VECTOR.INFO: null without such an index. */
  info(): Promise<{ dimension: number; metric: VectorMetric } | null>;
  /** VECTOR.DROP: deletes the index with its vectors. */
  drop(): Promise<0 | 1>;
}

/** `redis.vector` */
export interface Vector {
  /** VECTOR.CREATE: makes the index and gives its handle. */
  createIndex(options: { name: string; dimension: number; metric: VectorMetric; existsOk?: boolean }): Promise<VectorIndex>;
  /** The handle of an index that is there. Sends nothing. */
  index(name: string): VectorIndex;
}

/** A field with the methods that have not been called. */
type Methods<F, M extends string> = F & {
  [K in M]: K extends "from"
    ? (path: string) => Methods<F & { from: string }, Exclude<M, K>>
    : () => Methods<F & { [P in K]: true }, Exclude<M, K>>;
};

/** Fields of a schema, written out: `s.object({ name: s.string().noStem(), born: s.number("U64") })`. */
export const s: {
  /** Words, which are searched one by one. */
  string(): Methods<{ type: "TEXT" }, "noTokenize" | "noStem" | "from">;
  /** A number; `"F64"` unless said otherwise. */
  number<T extends "U64" | "I64" | "F64" = "F64">(type?: T): Methods<{ type: T; fast: true }, "from">;
  /** True or false. */
  boolean(): Methods<{ type: "BOOL" }, "fast" | "from">;
  /** A time. */
  date(): Methods<{ type: "DATE" }, "fast" | "from">;
  /** A text that is compared as a whole. */
  keyword(): { type: "KEYWORD" };
  /** A path whose levels can be counted. */
  facet(): { type: "FACET" };
  /** The fields of an object in JSON. */
  object<T extends object>(fields: T): { [K in keyof T]: T[K] extends { type: FieldType } ? Pick<T[K], PlainKeys<T[K]>> : T[K] };
};
/** The names of what is no method. */
type PlainKeys<T> = { [K in keyof T]: T[K] extends (...args: any[]) => unknown ? never : K }[keyof T];
