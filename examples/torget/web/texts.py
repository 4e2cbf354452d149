"""What Torget says, in three languages. The English sentence is the name of the others."""

LANGUAGES = {"nb": "Norsk bokmål", "en": "English", "ar": "العربية"}

NB_AR: dict[str, tuple[str, str]] = {
    # everywhere
    "Torget": ("Torget", "تورجت"),
    "Skip to the content": ("Hopp til innholdet", "تخطَّ إلى المحتوى"),
    "Language": ("Språk", "اللغة"),
    "Sign in": ("Logg inn", "تسجيل الدخول"),
    "Sign out": ("Logg ut", "تسجيل الخروج"),
    "My account": ("Min konto", "حسابي"),
    "Profile": ("Profil", "الملف الشخصي"),
    "My orders": ("Mine kjøp", "مشترياتي"),
    "My stalls": ("Mine boder", "أكشاكي"),
    "Privacy": ("Personvern", "الخصوصية"),
    "Mailbox of the demo": ("Demoens postkasse", "صندوق بريد العرض"),
    "A made-up marketplace with made-up people.": (
        "En oppdiktet markedsplass med oppdiktede mennesker.",
        "سوق خيالية بأشخاص خياليين.",
    ),
    # front
    "Good things deserve a second home": ("Gode ting fortjener et nytt hjem", "الأشياء الجيدة تستحق بيتًا ثانيًا"),
    "Newly put up for sale": ("Nettopp lagt ut", "عُرضت للتو"),
    "Sold by {name}": ("Selges av {name}", "البائع: {name}"),
    "For sale": ("Til salgs", "معروض للبيع"),
    "Nothing is for sale here just now.": ("Ingenting er til salgs her akkurat nå.", "لا شيء معروض للبيع هنا الآن."),
    # signing in
    "Sign in again": ("Logg inn på nytt", "سجّل الدخول مرة أخرى"),
    "Before you go on, show that it is you.": (
        "Før du går videre, vis at det er deg.",
        "قبل المتابعة، أثبت أنك صاحب الحساب.",
    ),
    "E-mail": ("E-post", "البريد الإلكتروني"),
    "Password": ("Passord", "كلمة المرور"),
    "That e-mail and that password do not belong together. Try again.": (
        "E-posten og passordet hører ikke sammen. Prøv igjen.",
        "البريد الإلكتروني وكلمة المرور غير متطابقين. حاول مرة أخرى.",
    ),
    "This account is closed. The e-mail you got when you closed it has a link that leads back.": (
        "Denne kontoen er stengt. E-posten du fikk da du stengte den, har en lenke som leder tilbake.",
        "هذا الحساب مغلق. في الرسالة التي وصلتك عند إغلاقه رابط للعودة.",
    ),
    "People of the demo": ("Folk i demoen", "أشخاص العرض"),
    "They are made up, and all have the password {password}. A button signs you in.": (
        "De er oppdiktet, og alle har passordet {password}. En knapp logger deg inn.",
        "هم خياليون، وكلمة المرور للجميع {password}. الزر يسجّل دخولك.",
    ),
    "Sign in as {name}": ("Logg inn som {name}", "ادخل باسم {name}"),
    "has something of everything": ("har litt av alt", "لديها شيء من كل شيء"),
    "has an order that is not paid": ("har et kjøp som ikke er betalt", "لديه طلب غير مدفوع"),
    "has a stall whose rent is due": ("har en bod med ubetalt leie", "لديه كشك إيجاره مستحق"),
    # account
    "Settings": ("Innstillinger", "الإعدادات"),
    "Name": ("Navn", "الاسم"),
    "Phone": ("Telefon", "الهاتف"),
    "Edit profile": ("Rediger profilen", "تعديل الملف الشخصي"),
    "My listings": ("Mine annonser", "إعلاناتي"),
    "Name, e-mail from Torget, closing the account": (
        "Navn, e-post fra Torget, stenge kontoen",
        "الاسم ورسائل تورجت وإغلاق الحساب",
    ),
    "What we know about you, and how to have it erased": (
        "Hva vi vet om deg, og hvordan du får det slettet",
        "ما نعرفه عنك وكيف تمحوه",
    ),
    "Send me offers and news": ("Send meg tilbud og nyheter", "أرسلوا لي العروض والأخبار"),
    "Save": ("Lagre", "حفظ"),
    "Saved.": ("Lagret.", "حُفظ."),
    "Write your name.": ("Skriv navnet ditt.", "اكتب اسمك."),
    "Close account": ("Steng kontoen", "أغلق الحساب"),
    "Nobody sees you or your listings any more. You have some time to change your mind. On the next page you choose.": (
        "Ingen ser deg eller annonsene dine lenger. Du får tid til å ombestemme deg. Du velger på neste side.",
        "لن يراك أحد ولا إعلاناتك بعد ذلك، ولديك وقت لتغيّر رأيك. ستختار في الصفحة التالية.",
    ),
    # privacy
    "Your data at Torget": ("Dine opplysninger hos Torget", "بياناتك في تورجت"),
    "We keep what you sell, buy and write, so that trade between strangers works. Konsern, which owns Torget, "
    "knows you too.": (
        "Vi lagrer det du selger, kjøper og skriver, så handel mellom fremmede går bra. Konsern, som eier Torget, "
        "kjenner deg også.",
        "نحفظ ما تبيعه وتشتريه وتكتبه كي تنجح التجارة بين الغرباء. وتعرفك أيضًا شركة Konsern مالكة تورجت.",
    ),
    "Erase my account": ("Slett kontoen min", "امحُ حسابي"),
    "Everything about you is erased, here and at Konsern, apart from what the law tells us to keep. Before anything "
    "happens you see what goes and what stays.": (
        "Alt om deg blir slettet, her og hos Konsern, bortsett fra det loven pålegger oss å ta vare på. Før noe skjer, "
        "får du se hva som forsvinner og hva som blir.",
        "يُمحى كل ما يخصك هنا ولدى Konsern، ما عدا ما يلزمنا القانون بحفظه. وقبل أن يحدث أي شيء ترى ما يزول وما يبقى.",
    ),
    "Cannot sign in, or never had an account?": (
        "Får du ikke logget inn, eller har du aldri hatt konto?",
        "لا تستطيع الدخول، أو لم يكن لديك حساب قط؟",
    ),
    "Without an account": ("Uten konto", "من دون حساب"),
    "How to delete your account, step by step": (
        "Slik sletter du kontoen, steg for steg",
        "كيف تحذف حسابك خطوة بخطوة",
    ),
    # owing
    "Nothing is to be paid.": ("Ingenting å betale.", "لا شيء مستحق الدفع."),
    "You have bought nothing yet.": ("Du har ikke kjøpt noe ennå.", "لم تشترِ شيئًا بعد."),
    "You have no stall.": ("Du har ingen bod.", "ليس لديك كشك."),
    "Order {number}": ("Kjøp {number}", "الطلب {number}"),
    "Paid": ("Betalt", "مدفوع"),
    "Not paid": ("Ikke betalt", "غير مدفوع"),
    "Pay order {number}": ("Betal kjøp {number}", "ادفع الطلب {number}"),
    "The rent is paid": ("Leien er betalt", "الإيجار مدفوع"),
    "The rent is due": ("Leien er ikke betalt", "الإيجار مستحق"),
    "Pay the rent of {title}": ("Betal leien for {title}", "ادفع إيجار {title}"),
    "On to leaving Torget": ("Videre til å forlate Torget", "تابع مغادرة تورجت"),
    # mailbox
    "Torget sends no mail into the world. What it would have sent is here, the newest first.": (
        "Torget sender ingen e-post ut i verden. Det som ville vært sendt, ligger her, det nyeste først.",
        "لا ترسل تورجت بريدًا إلى العالم. ما كانت سترسله موجود هنا، الأحدث أولًا.",
    ),
    "No mail yet.": ("Ingen e-post ennå.", "لا بريد بعد."),
    "Look again": ("Se etter på nytt", "انظر مرة أخرى"),
    "To": ("Til", "إلى"),
    "From": ("Fra", "من"),
    "The mail as text": ("E-posten som tekst", "الرسالة كنص"),
    "The mail as a page": ("E-posten som side", "الرسالة كصفحة"),
    "Attachments": ("Vedlegg", "المرفقات"),
    # wrong
    "There is nothing here": ("Her er det ingenting", "لا شيء هنا"),
    "The address may be mistyped, or what was here is gone.": (
        "Adressen kan være feilskrevet, eller det som var her, er borte.",
        "قد يكون العنوان خاطئًا، أو أن ما كان هنا قد زال.",
    ),
    "To the front page": ("Til forsiden", "إلى الصفحة الأولى"),
}


def say(sentence: str, language: str) -> str:
    """The sentence in that language."""
    if language == "en":
        return sentence
    return NB_AR[sentence][("nb", "ar").index(language)]
