/**
 * What people choose when nobody stops them: a word of this list, however it is capitalised or respelled (pa$$w0rd),
 * with up to five digits or marks before or behind it; the same piece again and again; a walk over the keyboard.
 * Together that is what the lists of the 3,000 most common passwords (OWASP ASVS 6.2.4) hold from eight characters on.
 */
const WORDS = new Set(
  `
  password passwort passwords motdepasse contrasena contrasenya senha parola wachtwoord haslo heslo salasana losenord
  passcode passphrase mypassword yourpassword thepassword newpassword oldpassword passpass letmein letmeinnow openup
  opensesame changeme changeit changethis default secret secrets topsecret mysecret temp temporary testing tester test
  testtest guest visitor user username login logon signin welcome welcomeback hello helloworld hellohello goodbye admin
  administrator adminadmin root superuser sysadmin system manager master masterkey access accessdenied security
  supersecret server oracle database internet computer network online website webmaster office windows microsoft
  google facebook twitter instagram linkedin youtube yahoo hotmail gmail whatsapp apple iphone android samsung
  nokia motorola sony playstation nintendo xbox pokemon pikachu minecraft fortnite roblox league warcraft starcraft
  counterstrike callofduty halo zelda mario sonic myspace photoshop demo demodemo example sample company business
  iloveyou iloveu iloveme ilovegod ilovejesus ilovehim ilovemom iloveher loveyou loveme loveyou lovely lover lovers love
  lovelove truelove mylove mylife foreverlove forever together always family mother father mommy daddy mommydaddy
  mother brother sister sisters brothers friends friend bestfriend friendship babygirl babyboy babe baby angel angels
  princess prince princesa queen king sweetheart sweetie sweetpea sweet honey honeybun sugar cookie cookies candy
  chocolate chocolat icecream cupcake cheese banana strawberry orange apple cherry peach peaches pumpkin pepper
  ginger peanut butter buttercup coffee popcorn pizza cheesecake butterfly sunshine sunflower flower flowers rainbow
  summer winter spring autumn january february march april june july august september october november december
  monday tuesday wednesday thursday friday saturday sunday morning midnight sunrise sunset sunny moonlight moonbeam
  starlight stardust star stars galaxy universe heaven paradise freedom liberty justice peace happy happiness
  happyday smile smiley blessed blessing jesus jesuschrist christ godisgood godbless faith trinity church bible
  football footbal soccer baseball basketball softball volleyball hockey tennis golf golfer rugby cricket lacrosse
  wrestling swimming swimmer runner running skateboard snowboard surfing surfer fishing fisherman hunter hunting
  bowling cycling racing racecar dancer dancing gymnast champion champions winner winning victory success number
  numberone liverpool chelsea arsenal manchester manutd manunited everton tottenham newcastle barcelona realmadrid
  juventus bayern dortmund milan celtic rangers cowboys steelers packers patriots raiders redskins eagles giants
  yankees redsox lakers dodgers broncos dolphins vikings panthers bulldogs bulldog buckeyes longhorn wolverine
  wildcats tarheels gators spartans spartan trojans warriors warrior knights knight ninja samurai pirate pirates viking
  gladiator legend soldier marines marine airborne airforce military commander captain general chief officer
  superman batman spiderman ironman wolverine hulk captainamerica superstar superhero supernova wonderwoman catwoman
  starwars startrek skywalker lukeskywalker jedi yoda darthvader vader gandalf frodo aragorn legolas matrix trinity
  morpheus terminator predator godzilla kingkong jurassic harrypotter hogwarts dumbledore voldemort snape hermione
  tinkerbell cinderella snowwhite mickeymouse mickey minnie donald goofy simpsons homer bartsimpson garfield snoopy
  scooby scoobydoo spongebob patrick hellokitty barbie teddybear winnie poohbear tigger eeyore piglet bugsbunny
  dragon dragons dragonball unicorn phoenix griffin tiger tigers lion lions panther leopard cougar jaguar cheetah
  elephant giraffe gorilla monkey monkeys dolphin shark penguin turtle rabbit bunny hamster kitten kitty puppy doggie
  doggy doglover catlover horses horse pony mustang stallion eagle falcon hawkeye raven phoenix scorpion spider snake
  cobra viper python butterfly ladybug dragonfly wolf wolves wolfpack lonewolf buffalo beaver badger panda
  ferrari porsche lamborghini maserati bugatti mercedes bmw audi volkswagen toyota honda nissan mazda subaru suzuki
  yamaha kawasaki ducati harley harleydavidson corvette camaro chevrolet chevelle chevy dodge pontiac cadillac
  mustang impala charger firebird hummer jeep wrangler cherokee silverado truck trucker driver speedy turbo
  metallica nirvana slipknot eminem beatles thebeatles pinkfloyd ledzeppelin acdc ironmaiden megadeth pantera
  blink182 greenday linkinpark coldplay radiohead rammstein madonna britney beyonce rihanna justinbieber onedirection
  rockstar rocknroll rockandroll music musicman musician guitar guitarist drummer drums piano trumpet saxophone
  london england scotland ireland america american australia canada germany deutschland berlin hamburg france paris
  espana madrid italia italy roma portugal brasil brazil mexico argentina colombia chicago boston newyork brooklyn
  losangeles california florida texas houston dallas austin atlanta detroit denver seattle phoenix arizona colorado
  michigan montana nevada lasvegas hollywood miami hawaii alaska jamaica india pakistan bangladesh china japan tokyo
  russia moscow ukraine poland polska turkey istanbul jordan egypt africa israel jerusalem
  michael michelle jennifer jessica jonathan christopher christian christina christine matthew andrew anthony joshua
  daniel danielle david robert richard charles charlie thomas william williams williamson benjamin alexander alexandra
  alexandre alexis nicholas nicole natalie natasha stephanie stephen steven elizabeth isabella isabelle gabriel
  gabriela gabrielle samantha samuel victoria victor veronica valentina valeria vanessa catherine katherine kathleen
  kimberly caroline carolina charlotte margaret rebecca rachel patricia barbara brandon brittany cameron courtney
  heather jasmine jackson johnson anderson thompson wilson taylor morgan madison maverick mackenzie melissa melanie
  francesco francisco francesca fernando fernanda alejandro alejandra sebastian leonardo giovanni giuseppe roberto
  antonio angelina angela andrea adriana mariana marianne marie maria manuel miguel carlos eduardo estrella santiago
  mohammed muhammad mohamed ahmed abdullah fatima krishna ganesh lakshmi priyanka rajesh sachin svetlana vladimir
  dimitri natalia tatiana ekaterina anastasia sergey nikita franklin frankie frederick freddy friedrich hannah harrison
  jeremiah jeremy justin katrina kenneth kristen kristina lauren leslie lindsay marcus marshall maxwell maximus meredith
  mitchell nathaniel olivia ophelia penelope phillip preston raymond ricardo rosalinda russell savannah serenity shannon
  sherlock simpson sophia spencer stewart sullivan sylvester theodore theresa timothy travis tristan vincent virginia
  wallace walter winston zachary dorothy douglas einstein geronimo gregory hercules cleopatra napoleon mozart
  purple yellow orange green black white silver golden diamond diamonds crystal emerald sapphire platinum titanium
  blackie blackjack blackcat blackberry whiteboy redhead redneck bluebird bluemoon bluesky blueeyes greeneyes browneyes
  thunder lightning storm stormy tornado hurricane blizzard avalanche earthquake tsunami volcano mountain mountains
  ocean river island beach water fire fireball fireman firefox firefighter iceman snowball snowman snowflake shadow
  shadows darkness darkside darkangel darkknight nightmare midnight vampire zombie zombies monster monsters demon
  devil devils lucifer satan hell hellfire heavenly angelical inferno killer killers killme murder death slayer
  slaughter assassin hitman gangster gangsta thuglife mafia outlaw rebel rebels renegade maniac psycho crazy madness
  insane stupid idiot loser nothing nobody whatever whocares fuckyou fuckoff fuckme fucker motherfucker bullshit
  asshole bastard bitch bitches sexy sexygirl sexyboy hotstuff hottie playboy player pussycat lollipop lollypop
  trustno trustnoone nopassword mustang cowboy cowgirl rodeo country rocket rockets apollo discovery voyager
  enterprise explorer pioneer titanic atlantis olympia olympus poseidon zeus athena apollo mercury jupiter saturn
  neptune venus pluto andromeda orion genesis exodus alpha omega infinity eternity destiny fantasy mystery magic
  magical wizard witch sorcerer merlin excalibur camelot castle kingdom dynasty empire emperor imperial colossus
  goldfish goldfinger jamesbond bond007 catch22 apollo13 route66 area51 rush2112 ncc1701 thx1138 matrix
  scooter skippy skipper smokey sparky sparkle sparkles buster buddy bubba bubbles boomer bailey barney bandit
  cassie casper chester chewie cooper copper dakota duke fluffy gizmo harley jasper lucky maggie marley max misty molly
  muffin oliver oreo patches pebbles precious princess pumpkin rascal rocky rusty sadie sammy sasha shelby sierra
  simba socks sophie spanky spike tigger toby tucker winston yoyo zeus creative graphics designer engineer doctor
  nurse teacher student students school college university graduate science scientist chemistry physics biology
  history english spanish francais deutsch football police policeman lawyer pilot airplane airport aviation helicopter
  remember nevermind whatever anything something everything nothing someday someone everyone anybody becareful
  beautiful gorgeous handsome precious wonderful amazing awesome fantastic brilliant excellent perfect special
  treasure dreams dreamer dreaming dream believe hope wisdom courage strength honor loyalty loyal respect power
  powerful energy electric electron electronics atomic nuclear quantum reactor digital analog binary hacker hackers
  hacking cracker cyber cyberpunk robot robots android cyborg terminator machine engine motor diesel gasoline
  abcdefgh abcdefg abcdef abcabc abcd abc xyz aaaa asdf asdfgh asdfghjkl qwer qwert qwerty qwertyui qwertyuiop qwertz
  qwertzui qwertzuiop azerty azertyui azertyuiop zxcv zxcvb zxcvbn zxcvbnm yxcvbnm qazwsx qazwsxedc wsxedc qweasd
  qweasdzxc asdzxc qwaszx poiuytrewq mnbvcxz lkjhgfdsa drowssap sommer winter fruehling herbst hallo schatz
  liebe ichliebedich fussball bonjour soleil amour jetaime teamo tequiero amormio estrella hola ciao amore juventus
  hardcore bigdaddy marlboro butthead spitfire snickers westside semperfi pearljam peekaboo budlight stargate stingray
  swordfish rolltide loverboy wolfgang billybob pavilion darkstar bobafett zeppelin sterling babydoll cheyenne presario
  devildog guinness mistress maryjane redwings bollocks lifehack freeuser freepass passport wrinkle metallic airlines
  cardinal lawrence scarface highland seminole deftones cavalier babylon concrete shamrock marathon montreal stocking
  campbell dickhead triumph chicken kisskiss nicegirl goodluck goodgirl badboy badgirl skyline cadillac thailand buckeye hendrix
  `
    .trim()
    .split(/\s+/),
);

const RESPELLED: Record<string, string> = {
  "@": "a",
  "4": "a",
  "3": "e",
  "1": "i",
  "!": "i",
  "0": "o",
  $: "s",
  "5": "s",
  "7": "t",
};
/** Rows of keyboards, read across and down. */
const WALKS = [
  ..."abcdefghijklmnopqrstuvwxyz 01234567890 qwertyuiop asdfghjkl zxcvbnm qwertzuiop azertyuiop".split(" "),
  ..."1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p q1w2e3r4t5y6u7i8o9p0 a1b2c3d4e5f6g7h8i9 1a2b3c4d5e6f7g8h9i qazwsxedcrfvtgb".split(
    " ",
  ),
  ..."1q2w3e4r5t6y7u8i9o0p qweasdzxc 147258369 1234qwerasdfzxcv 159357 789456123 zaq12wsxcde34rfv".split(" "),
].flatMap((row) => [row, [...row].reverse().join("")]);

const respelled = (text: string) => [...text].map((char) => RESPELLED[char] ?? char).join("");

/** A piece that repeats to the end (`abcabc`), pairs (`11223344`), or up to three pieces of keyboard rows. */
const isPattern = (text: string) =>
  /^(.{1,4})\1+$/.test(text) ||
  /^((.)\2)+$/.test(text) ||
  isWalk([...text].map((char) => "1234567890"["!@#$%^&*()".indexOf(char)] ?? char).join(""), 3);

function isWalk(text: string, pieces: number): boolean {
  if (text === "") return true;
  if (pieces === 0) return false;
  for (let length = text.length; length >= 3; length -= 1) {
    const piece = text.slice(0, length);
    if (WALKS.some((row) => row.includes(piece)) && isWalk(text.slice(length), pieces - 1)) return true;
  }
  return false;
}

/** Whether a password is among those that are tried first. */
export function isCommon(password: string): boolean {
  const lower = password.toLowerCase();
  const bare = lower.replace(/^[^\p{L}]{0,5}(?=\p{L})/u, "");
  const candidates = [lower, bare, stripped(lower), stripped(bare)];
  return isPattern(lower) || candidates.some((text) => isWord(text) || isWord(respelled(text)));
}

const stripped = (text: string) => text.replace(/(?<=\p{L})[^\p{L}]{1,5}$/u, "");

/** A word, a word twice, or one that an old system cut to eight characters. */
function isWord(text: string): boolean {
  const half = text.slice(0, text.length / 2);
  if (WORDS.has(text) || (half.length >= 3 && half + half === text && WORDS.has(half))) return true;
  return text.length === 8 && [...WORDS].some((word) => word.startsWith(text));
}
