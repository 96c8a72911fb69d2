"""The most frequent words of languages in Latin script, roughly by frequency: what the language detector knows of them.

Written down for this purpose. Function words first, then frequent verbs, nouns and adjectives, so that short texts hold some.
"""

from __future__ import annotations

WORDS = {
    "en": """
        the of and to a in is i it that you was for on are with as he they be this have from or had by but not what all were we
        when your can said there use an each which she do how their if will up other about out many then them these so some her
        would make like him into time has look two more write see could no way people my than been who its now find long down day
        did get come made may don't it's i'm just very really good great bad movie film story best love why where should please
        want need work because any think know only also over most after work first never even own much too here well little every
        between before through
    """,
    "de": """
        der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat dass sie
        nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr durch man sein
        wurde sei ich wir ihr kann was wenn mir mich sehr gut gibt schon diese dieser dieses doch immer viel hier alle wieder
        keine kein meine mein unser warum bitte möchte habe können muss soll heute jahr zeit ganz film geschichte leben welt
        menschen machen gehen finden ihre seine wer
    """,
    "fr": """
        de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont la avec son ou mais comme on
        lui nous vous ils elle cette ces aux été être fait leur même deux bien sans peut tout tous je mon ma mes ton votre notre
        où quand comment pourquoi très faire dit était avait sont j'ai c'est n'est d'un d'une qu'il l'on s'il puis donc alors
        après avant encore jamais toujours film histoire temps vie monde homme jour année voir aller veux besoin bonjour merci
        s'est cela rien quelque chez
    """,
    "es": """
        de la que el en y a los se del las un por con no una su para es al lo como más o pero sus le ha me si sin sobre este ya
        entre cuando todo esta ser son dos también fue había era muy años hasta desde está mi porque qué sólo han yo hay vez puede
        todos así nos ni parte tiene él uno donde bien tiempo mismo ese ahora cada vida otro después te otros aunque esa eso hace
        otra gobierno tan durante siempre día tanto ella tres sí dijo sido gran país según menos película historia quiero necesito
        gracias cómo estoy tengo mucho
    """,
    "pt": """
        de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele das tem à seu sua ou ser
        quando muito há nos já está eu também só pelo pela até isso ela entre era depois sem mesmo aos ter seus quem nas me esse
        eles estão você tinha foram essa num nem suas meu às minha têm numa pelos elas havia seja qual será nós tenho lhe deles
        este fosse dele filme história tempo vida bom bem fazer então onde porque ainda sempre todos tudo quero preciso obrigado
        como são não muito gosto cada vez agora
    """,
    "it": """
        di e il la che è a per un in una sono mi ho si lo ha non ti le con ma cosa se i no da come io ci questo qui bene hai sei
        del lei te tu solo al mio me della tutto alla era gli dei più nel suo anche dove sono perché quando loro ed delle essere
        molto fatto dal ancora sua noi voi nella fare quella quello questa stato abbiamo chi poi prima dopo sempre mai ogni tutti
        due anni tempo vita storia film mondo grazie vorrei bisogno posso devo così senza ora quale quanto già dalla degli alle
        nostro cui sulla fa po
    """,
    "nl": """
        de het een van en in is dat op te zijn met voor niet die aan er om ook als dan maar bij nog uit door naar heeft hij ik ze
        was we wat je of over kan zo mijn hebben tot worden wel al deze dit werd meer geen moet veel jaar waar hun haar hoe goed
        gaan heb ben u jij wij zij toch waarom omdat alleen nu onder altijd nooit iets niets iemand mensen tijd leven film verhaal
        maken komen willen wil graag alstublieft bedankt kunnen moeten zou zal weer heel erg na tegen onze ons mij hem zich haar
        andere eerste twee daar hier
    """,
    "sv": """
        och i att det som en på är av för med till den har de inte om ett han men var jag från vi så kan när år säger hon under
        också efter eller nu sin där vid mot ska skulle kommer ut får finns vara hade alla andra mycket än här då sedan över bara
        in blir upp även vad få två vill ha många hur mer går sig detta dem dig mig min din varför eftersom bra dåligt filmen
        historia tid liv världen göra veta aldrig alltid något någon människor snälla tack behöver måste denna dessa mellan utan
        måste varit blev inget
    """,
    "da": """
        og i at det er en til af den på for med der de ikke som har et han jeg men var vi om sig fra kan så ud hun skal vil blev
        over nu også efter eller når op ved været hvor havde mod mere man år meget ind siger selv hvad kun alle andre bliver disse
        min mig dig din sin hvorfor fordi godt dårlig filmen historie tid liv verden gøre vide aldrig altid noget nogen mennesker
        tak gerne må få går kommer ville kunne skulle uden mellem hvis denne dette deres hvordan hele blive ingen dem os jer efter
        lige
    """,
    "no": """
        og i det som er på en til av for at med den de har ikke et jeg han men var vi om seg fra kan så ut hun skal vil ble over
        nå også etter eller når opp ved vært hvor hadde mot mer man år mye inn sier selv hva bare alle andre blir disse min meg
        deg din sin hvorfor fordi bra dårlig filmen historie tid liv verden gjøre vite aldri alltid noe noen mennesker takk gjerne
        må få går kommer ville kunne skulle uten mellom hvis denne dette deres hvordan hele bli ingen dem oss dere etter fikk være
        gjorde
    """,
    "pl": """
        i w na z do się nie że to jest o jak a co po tak za od są ale przez czy już tylko był dla było może być ich jego jej tym
        ten ta te tego ma który która które przed także pod bardzo kiedy gdy tej oraz bez nas nam mi mnie ci cię go jako jeszcze
        aby nawet sobie więc żeby wszystko gdzie dlaczego ponieważ dobry film historia czas życie świat zrobić wiedzieć nigdy
        zawsze coś ktoś ludzie proszę dziękuję chcę muszę mam był była byli będzie można lat roku teraz tu tam nic dwa pan moje
        swoje jestem
    """,
    "cs": """
        a v se na je že to s z o do i ve k za jsem by ale jako pro po jsou tak od jeho byl které který už při jen jak co nebo bylo
        byla mu aby však ze mezi ještě když až být má než pak ani podle pod před tento této která kde proč protože dobrý film
        příběh čas život svět dělat vědět nikdy vždy něco někdo lidé prosím děkuji chci musím mám jeho její jejich mě mi tě ti si
        také více velmi můj tam tady teď nic dva bez není jsme jste byli bude roku let které všechny může
    """,
    "ro": """
        de și în a la cu o pe nu că este un din se care mai pentru sunt fi ca dar au ce al sau prin când lui am după ei ele fost
        era este sa său cum unde foarte fără doar despre între până acest această aceste acum tot toate toți bine mult dacă eu tu
        el ea noi voi mea meu filmul povestea timp viață lume face ști niciodată mereu ceva cineva oameni vă rog mulțumesc vreau
        trebuie avea îi îl le ne unei unui lor mi te si sunteți aici acolo acum două ani chiar decât astfel
    """,
    "tr": """
        ve bir bu da de için ne o ben çok ile ama var daha gibi değil kadar mi mı sonra olarak en olan sen biz siz onlar her şey
        ki ya nasıl neden çünkü iyi kötü film hikaye zaman hayat dünya yapmak bilmek asla hep bir şey insan insanlar lütfen
        teşekkür istiyorum gerek olduğu oldu olan olur olmak etti eden diye önce şimdi burada orada hiç bana sana ona beni seni
        onu bizim sizin kendi bütün tüm iki yıl gün içinde arasında üzerinde göre karşı ancak veya hem yok var ise bunu benim
    """,
    "fi": """
        ja on ei että se oli hän ovat mutta myös joka kun niin kuin tai jos vain mitä sen siitä ole olen olla ollut hänen tämä
        tämän nyt sitten jo vielä kaikki minä sinä me te he minun sinun mikä missä miksi koska hyvä huono elokuva tarina aika
        elämä maailma tehdä tietää koskaan aina jotain joku ihmiset kiitos haluan täytyy voi voin pitää hyvin paljon enemmän
        kanssa ilman ennen jälkeen yli kaksi vuotta vuoden ne joita jotka mukaan siihen sitä tässä näin juuri olisi eikä ettei
        mutta ihan
    """,
    "hu": """
        a az és hogy nem is egy ez volt meg de már csak mint ha van el még ki azt vagy mert lesz én te ő mi ti ők minden után
        akkor most itt ott nagyon jó rossz film történet idő élet világ tenni tudni soha mindig valami valaki emberek kérem
        köszönöm szeretnék kell lehet amely aki ami hogyan miért hol mikor nagy két év között szerint pedig így úgy sem azonban
        lenne voltak volna ezt ezek azok olyan nekem neki saját alatt fel be le jól mondta vele nélkül több
    """,
    "id": """
        yang dan di itu dengan untuk tidak ini dari dalam akan pada juga saya ke karena tersebut bisa ada mereka lebih kata tahun
        sudah atau saat oleh menjadi orang ia telah adalah seperti sebagai bahwa dapat para harus namun kita dua satu masih hari
        hanya mengatakan kepada kami setelah melakukan lalu belum lain dia kalau apa bagaimana mengapa film cerita waktu hidup
        dunia baik sangat tolong terima kasih ingin aku kamu anda tanpa antara banyak semua sekali lagi bagi secara sampai
        sehingga ketika
    """,
    "vi": """
        và của là có không được cho một trong người những với các này đã khi để đến từ ra như về tôi thì cũng nhưng vào làm nhiều
        phải đó sẽ bị trên hơn rất năm còn nên lại theo tại nếu sau mình anh em chúng tôi bạn họ gì sao vì tốt phim câu chuyện
        thời gian cuộc sống thế giới biết bao giờ luôn ai xin cảm ơn muốn cần hai giữa trước đây đang mới chỉ hay hoặc cả mọi ngày
        việc nhà
    """,
}
"""Code of a language to its words."""
