"""Words that hurt, in four languages: short lists of our own, of insults to a person and of threats.

They are a start for a network that has trained nothing yet, not a judgement of language: no names for groups of people
are listed, and whoever jests among friends uses most of these. The trained model outweighs them where it has evidence.
"""

import re
from collections.abc import Iterable

INSULTS = {
    "en": "idiot idiots stupid moron morons dumb dumbass loser losers pathetic liar liars disgusting trash garbage "
    "clown clowns scum fool fools worthless useless ugly crap bullshit asshole assholes bastard bitch jerk jerks "
    "coward cowards hypocrite creep imbecile shit fuck fucking fucked fucker wtf stfu",
    "vi": "ngu|ngu ngốc|ngu dốt|đồ ngu|ngu như bò|ngu như chó|óc chó|óc lợn|đồ chó|con chó|thằng chó|khốn nạn|mất dạy|"
    "vô học|vô liêm sỉ|láo toét|đồ điên|thằng điên|con điên|thằng ngu|con ngu|đồ hèn|rác rưởi|súc vật|đồ khốn|"
    "đồ dối trá|giả tạo|đm|đmm|đcm|vcl|vãi|cặc|lồn|địt|đéo|cút|cút đi|câm mồm|im mồm|ngậm mồm",
    "de": "idiot idioten dumm dummkopf trottel depp deppen vollidiot arschloch arschlöcher versager lügner lügnerin "
    "heuchler heuchlerin abschaum schwachkopf spinner pack gesindel dreckig dreckspack scheiße scheiss scheiß "
    "widerlich feigling hirnlos verblödet penner wichser fresse maul",
    "es": "idiota idiotas estúpido estúpida imbécil imbéciles tonto tonta mentiroso mentirosa payaso payasa basura "
    "inútil inútiles ignorante asqueroso asquerosa cobarde hipócrita mierda gilipollas cabrón cabrona pendejo "
    "pendeja puta puto",
}
SILENCING = {
    "en": "shut up|get lost|screw you|go to hell|drop dead|nobody asked|hate you|you people|sick of you",
    "vi": "câm đi|biến đi|cút xéo|chết đi|ghét mày|bọn mày|lũ mày",
    "de": "halt die klappe|halt's maul|halt dein maul|verpiss dich|hau ab|fahr zur hölle|ich hasse dich",
    "es": "cállate|vete al diablo|vete a la mierda|te odio|déjame en paz|me das asco",
}
THREATS = {
    "en": "kill you|hurt you|find you|beat you up|you will pay|you'll pay|watch your back|deserve to die|"
    "you should die|know where you live",
    "vi": "giết mày|đánh chết|cho mày biết tay|mày sẽ chết|biết nhà mày|coi chừng tao",
    "de": "bring dich um|umbringen|mach dich fertig|du wirst bezahlen|ich finde dich|weiß wo du wohnst",
    "es": "te voy a matar|te mataré|vas a pagar|te voy a encontrar|sé dónde vives|te voy a romper",
}
SECOND_PERSON = {
    "en": "you your yours yourself you're youre ur u ya",
    "vi": "mày|mi|bay|chúng mày|bọn mày|tụi mày|bạn|nhà ngươi",
    "de": "du dich dir dein deine deinen deiner ihr euch euer eure",
    "es": "tú tu tus te ti eres usted ustedes vos vosotros",
}


def pattern(lists: Iterable[str]) -> re.Pattern[str]:
    """One expression for whole words and phrases, the longest first. A list is parted by |, or else by spaces."""
    phrases = {phrase.strip() for words in lists for phrase in (words.split("|") if "|" in words else words.split())}
    longest = sorted(phrases, key=lambda phrase: (-len(phrase), phrase))
    inner = "|".join(re.escape(phrase).replace(r"\ ", r"\s+") for phrase in longest)
    return re.compile(rf"(?<!\w)(?:{inner})(?!\w)", re.IGNORECASE)


INSULT = pattern([*INSULTS.values(), *SILENCING.values()])
THREAT = pattern(THREATS.values())
YOU = pattern(SECOND_PERSON.values())
