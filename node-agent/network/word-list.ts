/** 256 short English words, easy to tell apart when read aloud; one for each value of a byte. */
export const wordList: readonly string[] = `
  acid acorn actor agent alarm album alley amber angle ankle apple apron arch arrow atlas
  attic badge bagel baker bamboo banjo barn basil basket beach beard bell berry bison blanket
  boat bonus bottle branch brass bread brick bridge broom bubble bucket butter cabin cactus
  camel candle canyon carpet castle cedar cello chain chalk cheese cherry chess cider circle
  clay cliff clock cloud clover coast cobra coffee comet copper coral cotton crab crane cream
  cricket crown crystal cube curtain daisy dancer desert diamond dinner dolphin donkey dragon
  drum duck eagle earth eel elbow ember engine envelope fabric falcon farmer feather fence
  fern fiddle flag flame flute forest fox frog garden garlic ginger giraffe glacier glass
  globe glove goat gold goose grape gravel guitar hammer harbor hawk hazel helmet heron hill
  honey hook horse hotel igloo iron ivory jacket jaguar jasmine jelly jewel judge juice jungle
  kayak kernel kettle king kitten knight ladder lagoon lake lamp lantern lark lemon lily lion
  lizard llama lobster lotus magnet mango maple marble market meadow melon mint mirror moon
  mountain mouse museum nectar needle nest noodle north nutmeg oak oasis ocean olive onion
  opera orange orchid otter owl oyster paddle palace panda paper parrot pasta peach pearl
  pebble penguin pepper piano picnic pillow pilot pine pirate planet plum pocket pony potato
  prince pumpkin puzzle quartz queen quilt rabbit radio raven ribbon river robin rocket rose
  saddle salad salmon sand satin scarf shadow shell sketch spider squid statue storm sugar
  summit swan table tango teapot tiger timber toast tomato tower trumpet tulip tunnel
`
  .trim()
  .split(/\s+/)
