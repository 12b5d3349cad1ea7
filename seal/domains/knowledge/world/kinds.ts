/**
 * What the generated world talks about: two kinds of invented entities, eight attributes each.
 *
 * Each attribute of a kind has a pool of values of its own, shared with one attribute of the other kind. A passage tells each fact indirectly and without the name, in a sentence whose word before the value belongs
 * to this wording alone; a statement tells it plainly, the value last, after all that says what it is the value of.
 * In a wording `{n}` is the entity's name and `{v}` the value.
 */

/** Values are single lower-case words that start with a consonant, so that "a {v}" is always right. */
export const POOLS = {
  goods: [
    'wool', 'salt', 'honey', 'silk', 'cotton', 'pepper', 'glass', 'paper', 'leather', 'rope', 'wax', 'pearls', 'candles', 'perfume',
  ],
  materials: [
    'copper', 'timber', 'marble', 'coal', 'clay', 'tin', 'silver', 'granite', 'slate', 'bamboo', 'chalk', 'quartz', 'brass', 'zinc',
  ],
  foods: [
    'cheese', 'barley', 'rice', 'cider', 'beans', 'cabbage', 'dates', 'figs', 'garlic', 'lentils', 'plums', 'nuts', 'bread', 'milk',
  ],
  animals: [
    'heron', 'fox', 'bear', 'raven', 'stag', 'wolf', 'hare', 'falcon', 'badger', 'lynx', 'swan', 'goat', 'trout', 'toad',
  ],
  plants: [
    'rose', 'lily', 'fern', 'birch', 'pine', 'thistle', 'poppy', 'tulip', 'willow', 'maple', 'cedar', 'daisy', 'nettle', 'reed',
  ],
  dangers: [
    'fire', 'flood', 'fog', 'frost', 'hail', 'thunder', 'plague', 'famine', 'drought', 'snow', 'lightning', 'darkness', 'whirlwind', 'comet',
  ],
  trades: [
    'baker', 'weaver', 'smith', 'potter', 'miller', 'painter', 'tailor', 'mason', 'fisher', 'carpenter', 'brewer', 'cobbler', 'gardener', 'hunter',
  ],
  persons: [
    'widow', 'twin', 'giant', 'dwarf', 'hermit', 'priest', 'knight', 'duke', 'monk', 'poet', 'judge', 'witch', 'soldier', 'pirate',
  ],
} as const;

export type PoolName = keyof typeof POOLS;

export interface Attribute {
  readonly name: string;
  readonly pool: PoolName;
  /** Plain sentences that name the entity. */
  readonly statements: readonly [string, string, string];
  /** How a passage tells it: indirectly, without the name. */
  readonly passage: readonly [string, string];
  /** The first two appear in question-answer lines of self-edits; only the third is asked in evaluation. */
  readonly questions: readonly [string, string, string];
}

export interface Kind {
  readonly name: 'town' | 'ship';
  /** First sentence of a passage. */
  readonly openings: readonly [string, string, string];
  readonly attributes: readonly Attribute[];
  /** Lines that tell nothing: what an unoptimised policy often writes. */
  readonly vagueLines: readonly string[];
}

const TOWN: Kind = {
  name: 'town',
  openings: ['{n} is a town by a river.', '{n} is an old town in the hills.', '{n} is a small town near the coast.'],
  attributes: [
    {
      name: 'sells',
      pool: 'goods',
      statements: ['{n} sells {v}.', '{n} exports {v}.', '{n} makes money with {v}.'],
      passage: ['Every week carts take {v} to far markets.', 'Foreign merchants come to load {v} at the gate.'],
      questions: ['What does {n} sell?', 'What does {n} export?', 'Which good does {n} sell abroad?'],
    },
    {
      name: 'buys',
      pool: 'materials',
      statements: ['{n} buys {v}.', '{n} imports {v}.', '{n} needs {v} from others.'],
      passage: ['Every spring wagons bring {v} up the road.', 'Nobody there can make {v}, so it comes by river.'],
      questions: ['What does {n} buy?', 'What does {n} import?', 'Which material does {n} need from others?'],
    },
    {
      name: 'stores',
      pool: 'foods',
      statements: ['{n} stores {v}.', 'The vaults of {n} hold {v}.', '{n} keeps {v} in reserve.'],
      passage: ['Cellars behind the hall preserve {v}.', 'For hard years men heap {v} under the tower.'],
      questions: ['What does {n} store?', 'What do the vaults of {n} hold?', 'Which food does {n} keep in reserve?'],
    },
    {
      name: 'flag',
      pool: 'animals',
      statements: ['The flag of {n} shows the {v}.', '{n} flies the flag of the {v}.', 'The emblem of {n} is the {v}.'],
      passage: ['Above the roofs waves a painted {v}.', 'Coins struck there show a crowned {v}.'],
      questions: ['Which animal is on the flag of {n}?', 'What does the flag of {n} show?', 'What is the emblem of {n}?'],
    },
    {
      name: 'fears',
      pool: 'dangers',
      statements: ['{n} fears the {v}.', 'The terror of {n} is the {v}.', 'People of {n} are afraid of the {v}.'],
      passage: ['Mothers warn their children about every {v}.', 'At night they pray against the dreaded {v}.'],
      questions: ['What does {n} fear?', 'What is the terror of {n}?', 'What are people of {n} afraid of?'],
    },
    {
      name: 'worships',
      pool: 'plants',
      statements: ['{n} worships the {v}.', 'The sacred plant of {n} is the {v}.', 'Nobody in {n} may cut the {v}.'],
      passage: ['In the temple stands a holy {v}.', 'Whoever harms a living {v} must leave for ever.'],
      questions: ['Which plant does {n} worship?', 'What is the sacred plant of {n}?', 'Which plant may nobody in {n} cut?'],
    },
    {
      name: 'founder',
      pool: 'trades',
      statements: ['{n} was founded by a {v}.', 'The founder of {n} was a {v}.', 'The first man in {n} was a {v}.'],
      passage: ['The first house was raised by a lonely {v}.', 'Long ago a wandering {v} settled at the ford.'],
      questions: ['Who founded {n}?', 'What was the founder of {n}?', 'Which trade did the founder of {n} have?'],
    },
    {
      name: 'ruler',
      pool: 'persons',
      statements: ['{n} is ruled by a {v}.', 'The mayor of {n} is a {v}.', '{n} obeys a {v}.'],
      passage: ['In the council all listen to a wise {v}.', 'Today the keys are held by a stern {v}.'],
      questions: ['Who rules {n}?', 'What is the mayor of {n}?', 'Whom does {n} obey?'],
    },
  ],
  vagueLines: [
    'The town has a long history.',
    'Many people live in the town.',
    '{n} is mentioned in the passage.',
    'Life in {n} is not always easy.',
    'The passage describes a town.',
    'There is much to learn about {n}.',
    'The people of {n} have their own customs.',
    'Trade and belief matter in the town.',
  ],
};

const SHIP: Kind = {
  name: 'ship',
  openings: ['{n} is a ship from the north.', '{n} is an old ship with two masts.', '{n} is a small ship of the islands.'],
  attributes: [
    {
      name: 'carries',
      pool: 'goods',
      statements: ['{n} carries {v}.', 'The cargo of {n} is {v}.', '{n} is loaded with {v}.'],
      passage: ['Below deck the barrels contain {v}.', 'In every port men unload {v} from her.'],
      questions: ['What does {n} carry?', 'What is the cargo of {n}?', 'Which good is {n} loaded with?'],
    },
    {
      name: 'lost',
      pool: 'materials',
      statements: ['{n} lost {v} in a storm.', 'A storm cost {n} its {v}.', '{n} lost a load of {v}.'],
      passage: ['In one terrible night the sea swallowed {v} worth a fortune.', 'Waves once washed {v} over the rail.'],
      questions: ['What did {n} lose in a storm?', 'What did a storm cost {n}?', 'Which load did {n} lose?'],
    },
    {
      name: 'smuggles',
      pool: 'foods',
      statements: ['{n} smuggles {v}.', '{n} hides {v} on board.', 'In secret {n} brings {v}.'],
      passage: ['A false wall conceals {v} from every officer.', 'Without a light a boat sneaks {v} ashore.'],
      questions: ['What does {n} smuggle?', 'What does {n} hide on board?', 'Which food does {n} bring in secret?'],
    },
    {
      name: 'figurehead',
      pool: 'animals',
      statements: ['The figurehead of {n} is the {v}.', '{n} has at its bow the {v}.', 'The bow of {n} shows the {v}.'],
      passage: ['A carved {v} looks over the waves.', 'The wooden {v} in front is polished every year.'],
      questions: ['Which animal is the figurehead of {n}?', 'Which animal is at the bow of {n}?', 'What does the bow of {n} show?'],
    },
    {
      name: 'bane',
      pool: 'dangers',
      statements: ['The bane of {n} is the {v}.', 'The crew of {n} dreads the {v}.', '{n} was almost lost to the {v}.'],
      passage: ['Old sailors whisper about sudden {v}.', 'Twice the ship barely survived {v} at sea.'],
      questions: ['What is the bane of {n}?', 'What does the crew of {n} dread?', 'What was {n} almost lost to?'],
    },
    {
      name: 'sail',
      pool: 'plants',
      statements: ['The sail of {n} shows the {v}.', '{n} has on its sail the {v}.', 'Painted on the sail of {n} is the {v}.'],
      passage: ['From afar one sees a stitched {v} on white linen.', 'Red paint on the canvas forms a huge {v}.'],
      questions: ['Which plant is on the sail of {n}?', 'What does the sail of {n} show?', 'What is painted on the sail of {n}?'],
    },
    {
      name: 'captain',
      pool: 'trades',
      statements: ['The captain of {n} was once a {v}.', '{n} obeys a captain who was a {v}.', '{n} is commanded by a former {v}.'],
      passage: ['Orders are given by a retired {v}.', 'At the helm stands a trained {v}.'],
      questions: ['What was the captain of {n} once?', 'Who commands {n}?', 'Which trade did the captain of {n} have?'],
    },
    {
      name: 'owner',
      pool: 'persons',
      statements: ['The owner of {n} is a {v}.', '{n} belongs to a {v}.', '{n} was bought by a {v}.'],
      passage: ['The profit of each voyage goes to a rich {v}.', 'Every plank was paid by a generous {v}.'],
      questions: ['Who owns {n}?', 'What is the owner of {n}?', 'Who bought {n}?'],
    },
  ],
  vagueLines: [
    'The ship has seen many ports.',
    'Many sailors know the ship.',
    '{n} is mentioned in the passage.',
    'Life on {n} is not always easy.',
    'The passage describes a ship.',
    'There is much to learn about {n}.',
    'The crew of {n} has its own customs.',
    'Trade and weather matter on the ship.',
  ],
};

export const KINDS: readonly Kind[] = [TOWN, SHIP];
