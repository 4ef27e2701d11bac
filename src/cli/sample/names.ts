import type { Random } from './random.ts';

export type Sex = 'female' | 'male';

/**
 * One culture's way to name people. A name stands as `Latin`, as `native=Latin` where it is written otherwise at home, and as
 * `man's~woman's` where family names have two forms.
 */
export type Culture = {
  readonly weight: number;
  readonly language: readonly [code: string, display: string];
  /** Places people came from: city and ISO country code. */
  readonly origins: readonly (readonly [city: string, country: string])[];
  /** The family name comes first. */
  readonly familyFirst?: true;
  /** Children carry their father's and their mother's family name. */
  readonly twoFamilies?: true;
  /** `von`, `van der`: belongs to the family name, but isn't sorted by. */
  readonly prefixes?: readonly string[];
  readonly family: readonly string[];
  readonly female: readonly string[];
  readonly male: readonly string[];
};

/** Names parted by spaces; an underscore stands for a space inside one. */
const list = (text: string): readonly string[] => text.split(' ').map((name) => name.replaceAll('_', ' '));

export const CULTURES: readonly Culture[] = [
  {
    weight: 42,
    language: ['en', 'English'],
    origins: [],
    family: list(
      'Adams Archer Barlow Bennett Brooks Carver Coleman Dawson Ellison Fletcher Grayson Harper Hughes Jefferson Kendall Lawson Marsh Nash Oakley Palmer Quincy Ramsey Sawyer Thornton Underwood Vaughn Walker Whitfield Yates',
    ),
    female: list(
      'Abigail Alice Beatrice Charlotte Denise Ebony Eleanor Faith Grace Hannah Imani Jasmine Katherine Latoya Margaret Naomi Olivia Phoebe Ruth Shanice Tamika Violet Willow',
    ),
    male: list(
      'Aaron Benjamin Caleb DeShawn Edward Franklin Gavin Harold Isaac Jamal Kenneth Lucas Marcus Nathan Oliver Patrick Raymond Silas Terrence Vincent Walter Xavier Zachary',
    ),
  },
  {
    weight: 18,
    language: ['es', 'Spanish'],
    origins: [
      ['Guadalajara', 'MX'],
      ['Medellín', 'CO'],
      ['Mayagüez', 'PR'],
      ['Cádiz', 'ES'],
    ],
    twoFamilies: true,
    family: list(
      'Álvarez Benítez Castañeda Domínguez Echeverría Fernández Gutiérrez Hernández Ibáñez Jiménez López Muñoz Núñez Ordóñez Peña Quiñones Ramírez Sepúlveda Treviño Urrutia Vásquez Yáñez Zúñiga',
    ),
    female: list('Adriana Begoña Camila Dolores Esperanza Fernanda Guadalupe Inés Lucía María Noemí Paloma Rocío Soledad Ximena'),
    male: list('Andrés Bernardo César Diego Emilio Félix Gonzalo Hernán Iván Joaquín Martín Óscar Raúl Sebastián Tomás'),
  },
  {
    weight: 5,
    language: ['zh', 'Chinese'],
    origins: [
      ['广州', 'CN'],
      ['臺北', 'TW'],
      ['成都', 'CN'],
    ],
    familyFirst: true,
    family: list('王=Wang 李=Li 张=Zhang 刘=Liu 陈=Chen 杨=Yang 黄=Huang 赵=Zhao 吴=Wu 周=Zhou 徐=Xu 欧阳=Ouyang'),
    female: list('秀英=Xiuying 丽=Li 静=Jing 雨桐=Yutong 梓涵=Zihan 美玲=Meiling 晓燕=Xiaoyan 婷婷=Tingting'),
    male: list('伟=Wei 强=Qiang 磊=Lei 浩然=Haoran 建国=Jianguo 子轩=Zixuan 明=Ming 志强=Zhiqiang'),
  },
  {
    weight: 5,
    language: ['vi', 'Vietnamese'],
    origins: [
      ['Đà Nẵng', 'VN'],
      ['Huế', 'VN'],
    ],
    familyFirst: true,
    family: list('Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương'),
    female: list('Ánh Bích Diễm Giang Hằng Hương Lan Linh Mỹ Ngọc Phượng Thảo Thúy Tuyết Yến'),
    male: list('An Bình Cường Dũng Đức Hải Hùng Khánh Long Minh Nam Phúc Quang Sơn Tuấn'),
  },
  {
    weight: 5,
    language: ['ar', 'Arabic'],
    origins: [
      ['عمّان', 'JO'],
      ['الإسكندرية', 'EG'],
      ['Dearborn', 'US'],
    ],
    family: list(
      'الحداد=Al-Haddad الخوري=Khoury منصور=Mansour النجار=Najjar سليمان=Suleiman درويش=Darwish حمدان=Hamdan قاسم=Qasim العلي=Al-Ali رشيد=Rashid',
    ),
    female: list('أمينة=Amina فاطمة=Fatima هالة=Hala ليلى=Layla مريم=Maryam نور=Nour رانيا=Rania سلمى=Salma زينب=Zaynab'),
    male: list('أحمد=Ahmad باسم=Basim حسن=Hasan إبراهيم=Ibrahim خالد=Khalid محمود=Mahmoud عمر=Omar طارق=Tariq يوسف=Yusuf'),
  },
  {
    weight: 4,
    language: ['hi', 'Hindi'],
    origins: [
      ['जयपुर', 'IN'],
      ['लखनऊ', 'IN'],
    ],
    family: list('शर्मा=Sharma वर्मा=Verma गुप्ता=Gupta सिंह=Singh पटेल=Patel मिश्रा=Mishra यादव=Yadav चौधरी=Chaudhary'),
    female: list('आशा=Asha दीपिका=Deepika गीता=Geeta कविता=Kavita मीरा=Meera प्रिया=Priya सुनीता=Sunita'),
    male: list('अमित=Amit दीपक=Deepak गोपाल=Gopal कृष्ण=Krishna मोहन=Mohan राजेश=Rajesh विजय=Vijay'),
  },
  {
    weight: 3,
    language: ['ko', 'Korean'],
    origins: [
      ['부산', 'KR'],
      ['대구', 'KR'],
    ],
    familyFirst: true,
    family: list('김=Kim 이=Lee 박=Park 최=Choi 정=Jung 강=Kang 조=Cho 윤=Yoon'),
    female: list('서연=Seo-yeon 지우=Ji-woo 민지=Min-ji 은영=Eun-young 하은=Ha-eun 수진=Soo-jin'),
    male: list('민준=Min-jun 서준=Seo-jun 도현=Do-hyun 영호=Young-ho 성민=Sung-min 지훈=Ji-hoon'),
  },
  {
    weight: 2,
    language: ['ja', 'Japanese'],
    origins: [
      ['札幌市', 'JP'],
      ['長崎市', 'JP'],
    ],
    familyFirst: true,
    family: list('佐藤=Satō 鈴木=Suzuki 高橋=Takahashi 田中=Tanaka 渡辺=Watanabe 大野=Ōno 小林=Kobayashi 近藤=Kondō'),
    female: list('陽子=Yōko 恵子=Keiko 美咲=Misaki さくら=Sakura 優子=Yūko 葵=Aoi'),
    male: list('健一=Ken’ichi 太郎=Tarō 翔太=Shōta 大輔=Daisuke 浩=Hiroshi 蓮=Ren'),
  },
  {
    weight: 3,
    language: ['uk', 'Ukrainian'],
    origins: [
      ['Львів', 'UA'],
      ['Одеса', 'UA'],
    ],
    family: list('Шевченко=Shevchenko Коваленко=Kovalenko Бондаренко=Bondarenko Мельник=Melnyk Лисенко=Lysenko Савченко=Savchenko'),
    female: list('Оксана=Oksana Наталія=Nataliia Ірина=Iryna Софія=Sofiia Юлія=Yuliia Ганна=Hanna'),
    male: list('Андрій=Andrii Богдан=Bohdan Тарас=Taras Юрій=Yurii Сергій=Serhii Олексій=Oleksii'),
  },
  {
    weight: 2,
    language: ['ru', 'Russian'],
    origins: [
      ['Самара', 'RU'],
      ['Алматы', 'KZ'],
    ],
    family: list(
      'Иванов=Ivanov~Иванова=Ivanova Кузнецов=Kuznetsov~Кузнецова=Kuznetsova Соколов=Sokolov~Соколова=Sokolova Фёдоров=Fyodorov~Фёдорова=Fyodorova Щербаков=Shcherbakov~Щербакова=Shcherbakova',
    ),
    female: list('Алёна=Alyona Вера=Vera Екатерина=Yekaterina Людмила=Lyudmila Татьяна=Tatyana'),
    male: list('Борис=Boris Дмитрий=Dmitry Михаил=Mikhail Николай=Nikolai Фёдор=Fyodor'),
  },
  {
    weight: 3,
    language: ['pl', 'Polish'],
    origins: [
      ['Łódź', 'PL'],
      ['Kraków', 'PL'],
    ],
    family: list('Kowalski~Kowalska Wiśniewski~Wiśniewska Dąbrowski~Dąbrowska Zieliński~Zielińska Wójcik Gołąb Łęcki~Łęcka Sędzimir'),
    female: list('Agnieszka Bożena Elżbieta Grażyna Joanna Małgorzata Świętosława Żaneta'),
    male: list('Andrzej Błażej Grzegorz Józef Krzysztof Łukasz Paweł Zdzisław'),
  },
  {
    weight: 3,
    language: ['de', 'German'],
    origins: [
      ['Köln', 'DE'],
      ['Zürich', 'CH'],
      ['Graz', 'AT'],
    ],
    prefixes: ['von', 'zu'],
    family: list('Bäcker Dürr Groß Hänsel Jäger Köhler Löwe Müller Österreicher Preuß Schröder Strauß Übelacker Weiß'),
    female: list('Annegret Bärbel Friederike Gisela Heike Jördis Käthe Lieselotte Ursula'),
    male: list('Bernd Dieter Günther Heinrich Jörg Jürgen Karl-Heinz Matthäus Rüdiger'),
  },
  {
    weight: 3,
    language: ['fr', 'French'],
    origins: [
      ['Besançon', 'FR'],
      ['Port-au-Prince', 'HT'],
      ['Québec', 'CA'],
    ],
    prefixes: ['de', 'du'],
    family: list('Beaulieu Chênevert Desrosiers Étienne François Gagné Lefèvre Ménard Noël Pélissier Rivière Toussaint'),
    female: list('Adèle Amélie Bénédicte Céline Hélène Joëlle Mélanie Noémie Zoé'),
    male: list('André Benoît Étienne François Gaël Jérôme Loïc Rémi Théo'),
  },
  {
    weight: 3,
    language: ['pt', 'Portuguese'],
    origins: [
      ['São Luís', 'BR'],
      ['Évora', 'PT'],
      ['Praia', 'CV'],
    ],
    twoFamilies: true,
    family: list('Araújo Brandão Conceição Falcão Gonçalves Magalhães Patrício Simões Tavares Vilaça'),
    female: list('Assunção Beatriz Conceição Estefânia Graça Inês Luísa Tânia'),
    male: list('Álvaro Antônio Durão Estêvão Gonçalo João Júlio Zacarias'),
  },
  {
    weight: 2,
    language: ['tr', 'Turkish'],
    origins: [
      ['İzmir', 'TR'],
      ['Eskişehir', 'TR'],
    ],
    family: list('Aydın Çelik Doğan Işık Kılıç Öztürk Şahin Ünal Yıldırım'),
    female: list('Ayşe Çiğdem Elif Gülşen İpek Özlem Şebnem'),
    male: list('Çağlar Doğukan Emre Gökhan İsmail Oğuz Şükrü'),
  },
  {
    weight: 1,
    language: ['el', 'Greek'],
    origins: [['Θεσσαλονίκη', 'GR']],
    family: list('Παπαδόπουλος=Papadopoulos~Παπαδοπούλου=Papadopoulou Γεωργίου=Georgiou Νικολαΐδης=Nikolaidis~Νικολαΐδου=Nikolaidou'),
    female: list('Ελένη=Eleni Μαρία=Maria Κατερίνα=Katerina Σοφία=Sofia'),
    male: list('Γιώργος=Giorgos Δημήτρης=Dimitris Νίκος=Nikos Σπύρος=Spyros'),
  },
  {
    weight: 1,
    language: ['he', 'Hebrew'],
    origins: [['חיפה', 'IL']],
    family: list('כהן=Cohen לוי=Levi מזרחי=Mizrahi פרץ=Peretz ביטון=Biton'),
    female: list('אביגיל=Avigail נועה=Noa רבקה=Rivka תמר=Tamar'),
    male: list('אורי=Uri דוד=David יעקב=Yaakov משה=Moshe'),
  },
  {
    weight: 2,
    language: ['sv', 'Swedish'],
    origins: [
      ['Malmö', 'SE'],
      ['Ålesund', 'NO'],
      ['Reykjavík', 'IS'],
    ],
    family: list('Ångström Björklund Dahlström Ekelöf Håkansson Jónsdóttir Kjærgaard Lindqvist Nygård Øvergård Sjögren'),
    female: list('Åsa Birgitta Ebba Frøydis Märta Sólveig Þórdís'),
    male: list('Åke Björn Göran Håvard Jökull Søren Þór'),
  },
  {
    weight: 2,
    language: ['ga', 'Irish'],
    origins: [['Gaillimh', 'IE']],
    family: list("O'Brien O'Connor Ó_Súilleabháin MacCarthy Ní_Dhomhnaill Fitzgerald"),
    female: list('Aoife Caoimhe Gráinne Niamh Siobhán Sinéad'),
    male: list('Cillian Diarmuid Eoghan Pádraig Ruairí Seán'),
  },
];

export type Spelling = { readonly latin: string; readonly native?: string };

/** The form of a listed name for one sex. */
export function spellingOf(entry: string, sex: Sex): Spelling {
  const [man = entry, woman = man] = entry.split('~');
  const [first = '', second] = (sex === 'female' ? woman : man).split('=');
  return second === undefined ? { latin: first } : { latin: second, native: first };
}

export function givenName(culture: Culture, sex: Sex, random: Random): Spelling {
  return spellingOf(random.pick(sex === 'female' ? culture.female : culture.male), sex);
}
